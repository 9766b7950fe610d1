//! Examples that depend on each other are refused, in the network and in the loss.

use super::shapes::{N, Outcome, inputs, linear, own, refused, returning, squares, zeros};
use backdraft_curvature::{Cost, CurvatureError, Model, SquaredError};
use backdraft_program::ErrorLocation;
use burn::{
    nn::Linear,
    tensor::{Int, Tensor, activation, module::conv1d, ops::ConvOptions, s},
};

#[test]
fn a_loss_must_not_mix_examples() {
    let losses: [(Outcome, &[&str]); 6] = [
        (
            |y, t| {
                let losses = squares(y, t);
                losses.clone().mean().expand(losses.shape())
            },
            &["Mean"],
        ),
        (|y, t| squares(y.clone() - y.mean_dim(0), t), &["MeanDim"]),
        (
            |y, t| {
                let [n, _] = y.dims();
                squares(y, t) / n as f64
            },
            &["DivScalar"],
        ),
        (|y, t| squares(y, t).cumsum(0), &["CumSum"]),
        (
            |y, t| squares(activation::softmax(y, 0), t),
            &["Softmax", "MaxDim"],
        ),
        (
            |y, t| {
                let first = y.clone().narrow(0, 0, 1).expand(y.dims());
                squares(y - first, t)
            },
            &["Slice"],
        ),
    ];
    for (loss, operations) in losses {
        let error = refused(&own(2, 2, loss));
        match &error {
            CurvatureError::Mixed { of: "loss", mixing } => {
                assert!(operations.contains(&mixing.operation.as_str()), "{error}");
            }
            _ => panic!("{operations:?}: {error}"),
        }
    }
}

#[test]
fn a_network_must_not_mix_examples() {
    let standardised = |net: &Linear, x: Tensor<2>| {
        let y = net.forward(x);
        let (variance, mean) = y.clone().var_mean_bias(0);
        (y - mean) / (variance + 1e-5).sqrt()
    };
    let model = Model::new(&linear(3, 2), standardised).unwrap();
    let of = |n| Cost::new(model.clone(), SquaredError, inputs(n), zeros([n, 2])).unwrap();
    let cost = of(N);
    let error = refused(&cost);
    // Of one example there is nothing to mix, by chance.
    assert_eq!(refused(&of(1)).to_string(), error.to_string());
    let CurvatureError::Mixed { of, mixing } = &error else {
        panic!("{error}");
    };
    assert_eq!(*of, "network");
    assert_eq!(mixing.place, Some(ErrorLocation::After("bias".into())));
    assert!(cost.outputs().is_err());
}

/// What chooses among the examples, or moves along them, as no trace tells from honest work.
#[test]
fn examples_are_looked_at_in_other_company() {
    type Made = fn(Tensor<2>) -> Tensor<2>;
    let shifted: Made = |y| {
        let n = y.dims()[0];
        y.pad([(1, 0), (0, 0)], 0.0).narrow(0, 0, n)
    };
    let recurrent: Made = |y| {
        let mut state = y.clone().narrow(0, 0, 1);
        let mut states = vec![state.clone()];
        for i in 1..y.dims()[0] {
            state = activation::tanh(state * 0.5 + y.clone().narrow(0, i, 1));
            states.push(state.clone());
        }
        Tensor::cat(states, 0)
    };
    let convolved: Made = |y| {
        let width = y.dims()[1];
        let kernel = Tensor::<3>::ones([width, width, 3], (&y.device(), y.dtype()));
        let options = ConvOptions::new([1], [1], [1], 1);
        let along = y.transpose().unsqueeze_dim(0);
        conv1d(along, kernel, None, options)
            .squeeze_dim::<2>(0)
            .transpose()
    };
    let mixing: [(&str, Made); 8] = [
        ("shifted", shifted),
        ("recurrent", recurrent),
        ("convolved", convolved),
        ("turned", |y| {
            let n = y.dims()[0] as i64;
            let order = Tensor::<1, Int>::arange(0..n, &y.device()).flip([0]);
            y.select(0, order)
        }),
        ("gathered", |y| {
            let first = y.clone().argmax(1).mul_scalar(0);
            let first = first.expand(y.dims());
            y.gather(0, first)
        }),
        ("by place", |y| {
            let n = y.dims()[0] as i64;
            let place = Tensor::<1, Int>::arange(0..n, &y.device()).float();
            y.clone() + place.cast(y.dtype()).unsqueeze_dim(1)
        }),
        ("read otherwise", |y| {
            let [n, width] = y.dims();
            y.transpose().reshape([n, width])
        }),
        ("from the last to the first", |y| y.slice(s![..;-1])),
    ];
    for (name, made) in mixing {
        let cost = Cost::new(returning(2, made), SquaredError, inputs(N), zeros([N, 2]));
        match refused(&cost.unwrap()) {
            CurvatureError::Together { difference, .. } => {
                assert!(difference > 1e-3, "{name}: {difference}");
            }
            error => panic!("{name}: {error}"),
        }
    }
    let apart: [(&str, Made); 3] = [
        ("one by one", |y| {
            let rows = (0..y.dims()[0]).map(|i| activation::tanh(y.clone().narrow(0, i, 1)));
            Tensor::cat(rows.collect(), 0)
        }),
        ("with one that is left out again", |y| {
            let n = y.dims()[0];
            y.pad([(0, 1), (0, 0)], 0.0).narrow(0, 0, n)
        }),
        ("chosen where they are", |y| {
            let n = y.dims()[0] as i64;
            let order = Tensor::<1, Int>::arange(0..n, &y.device());
            y.select(0, order)
        }),
    ];
    for (name, made) in apart {
        let cost = Cost::new(returning(2, made), SquaredError, inputs(N), zeros([N, 2])).unwrap();
        let error = cost.gradient().err().map(|error| error.to_string());
        assert_eq!(error, None, "{name}");
    }
    // What a number of examples decides, is found while it is traced.
    let counted: [Made; 2] = [
        |y| {
            let n = y.dims()[0] as f64;
            y.clamp(-0.01 * n, 0.01 * n)
        },
        |y| {
            let n = y.dims()[0] as f64;
            activation::sigmoid(y).powf_scalar(n + 0.5)
        },
    ];
    for made in counted {
        let cost = Cost::new(returning(2, made), SquaredError, inputs(N), zeros([N, 2]));
        let error = refused(&cost.unwrap());
        assert!(matches!(error, CurvatureError::Mixed { .. }), "{error}");
    }
}

/// As many examples as a stream gives at once are looked at together.
#[test]
fn streamed_examples_are_looked_at_in_other_company_too() {
    let shifted = |y: Tensor<2>| {
        let n = y.dims()[0];
        y.pad([(1, 0), (0, 0)], 0.0).narrow(0, 0, n)
    };
    let cost = Cost::streamed(returning(2, shifted), SquaredError, N + 1, || {
        [0..1, 1..N + 1].into_iter().map(|range| {
            let x = inputs(N + 1).slice([range.clone()]);
            Ok::<_, std::io::Error>((x, zeros([range.len(), 2])))
        })
    })
    .unwrap();
    let error = cost.gradient().map(|_| ()).unwrap_err();
    assert!(
        matches!(error, CurvatureError::Together { example: N, .. }),
        "{error}"
    );
}
