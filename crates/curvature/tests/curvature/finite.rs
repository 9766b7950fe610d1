//! Every result is finite, or the error names what makes it NaN or infinite. In f64.

use backdraft_curvature::{
    BatchOperator, Cause, Cost, CrossEntropy, CurvatureError, LinearOperator, Loss, Model, Poisson,
    SquaredError, TokenCrossEntropy, TokenReduction, to_dense,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Bool, Tensor, TensorData, activation},
};

const N: usize = 8;
const INPUTS: usize = 2;

fn layer(outputs: usize) -> Linear {
    double(LinearConfig::new(INPUTS, outputs).init(&device()))
}

fn model(layer: &Linear) -> Model {
    Model::new(layer, |layer: &Linear, x: Tensor<2>| layer.forward(x)).unwrap()
}

fn regression(inputs: Vec<f64>) -> Cost {
    let targets = random([N, 1], 7);
    Cost::new(
        model(&layer(1)),
        SquaredError,
        matrix(&inputs, INPUTS),
        targets,
    )
    .unwrap()
    .with_batch_size(3)
    .unwrap()
}

/// The causes that all results of a cost name.
fn causes(cost: &Cost, v: &Tensor<1>) -> Vec<(&'static str, Cause)> {
    fn cause<T>(what: &'static str, result: Result<T, CurvatureError>) -> (&'static str, Cause) {
        match result {
            Err(CurvatureError::NotFinite { cause, .. }) => (what, cause),
            Err(error) => panic!("{what}: {error}"),
            Ok(_) => panic!("{what}: no error"),
        }
    }
    let v = || v.clone();
    let two = || Tensor::stack::<2>(vec![v() * 0.5, v()], 0);
    let matrix = cost.gauss_newton();
    vec![
        cause("losses", cost.losses()),
        cause("gradient", cost.gradient()),
        cause("output gradients", cost.output_gradients()),
        cause("scores", cost.directional_derivatives(v())),
        cause(
            "input derivatives",
            cost.input_derivatives::<Tensor<2>>(v()),
        ),
        cause("Gauss-Newton", matrix.apply(v())),
        cause("Gauss-Newton again", matrix.apply(v())),
        cause("several", matrix.apply_many(two())),
        cause("Hessian", cost.hessian().damped(0.1).apply(v())),
        cause("empirical Fisher", cost.empirical_fisher().apply(v())),
        cause("dense", to_dense(&cost.hessian())),
    ]
}

#[test]
fn the_first_example_with_nan_is_named() {
    for (first, value) in [(4, f64::NAN), (0, f64::INFINITY), (7, f64::NAN)] {
        let mut x = numbers(N * INPUTS, 3);
        x[first * INPUTS + 1] = value;
        *x.last_mut().unwrap() = f64::NAN;
        let cost = regression(x);
        let v = vector(&numbers(cost.model().dim(), 5));
        let mut found = causes(&cost, &v);
        found.push(match cost.outputs() {
            Err(CurvatureError::NotFinite { cause, .. }) => ("outputs", cause),
            other => panic!("{other:?}"),
        });
        found.push(match cost.outputs_along(v) {
            Err(CurvatureError::NotFinite { cause, .. }) => ("outputs along", cause),
            other => panic!("{other:?}"),
        });
        for (what, cause) in found {
            let Cause::Example {
                index,
                part: "an input",
                value: found,
            } = cause
            else {
                panic!("{what}: {cause:?}");
            };
            assert_eq!(index, first, "{what}");
            assert!(found == value || found.is_nan() && (value.is_nan() || first == 7));
        }
    }
    // The examples that are not touched are fine by themselves.
    let mut x = numbers(N * INPUTS, 3);
    x[2 * INPUTS] = f64::NAN;
    let cost = regression(x);
    let losses = cost.select(&[0, 1, 3]).unwrap().losses().unwrap();
    assert!(host(losses).iter().all(|x| x.is_finite()));
    let batch = cost.gauss_newton();
    let v = vector(&numbers(cost.model().dim(), 5));
    batch.apply_batch(&[0, 5], v.clone()).unwrap();
    assert!(batch.apply_batch(&[0, 2], v).is_err());
}

#[test]
fn nan_in_a_parameter_or_a_vector_is_named() {
    let cost = regression(numbers(N * INPUTS, 3));
    let dim = cost.model().dim();
    let mut theta = numbers(dim, 4);
    theta[dim - 1] = f64::NEG_INFINITY;
    let broken = cost.at(vector(&theta)).unwrap();
    let v = vector(&numbers(dim, 5));
    let Err(CurvatureError::NotFinite { cause, .. }) = broken.losses() else {
        panic!("it is not finite");
    };
    let expected = Cause::Parameter {
        name: "bias".into(),
        value: f64::NEG_INFINITY,
    };
    assert_eq!(cause, expected);
    assert!(
        broken
            .gradient()
            .unwrap_err()
            .to_string()
            .contains("`bias`")
    );

    let mut values = host(v);
    values[1] = f64::INFINITY;
    let along = cost.directional_derivatives(vector(&values)).unwrap_err();
    let product = cost.gauss_newton().apply(vector(&values)).unwrap_err();
    for error in [along, product] {
        let CurvatureError::NotFinite { cause, .. } = error else {
            panic!("{error}");
        };
        let (index, value) = (1, f64::INFINITY);
        assert_eq!(cause, Cause::Vector { index, value });
    }
}

#[test]
fn a_loss_that_overflows_is_named() {
    let mut x = vec![0.0; N * INPUTS];
    x[5 * INPUTS] = 2_000.0;
    let mut layer = layer(1);
    layer.weight = layer.weight.map(|w| w * 0.0 + 0.5);
    let counts = matrix(&[1.0; N], 1);
    let cost = Cost::new(model(&layer), Poisson, matrix(&x, INPUTS), counts).unwrap();
    let Err(CurvatureError::NotFinite { cause, .. }) = cost.losses() else {
        panic!("exp(1000) overflows");
    };
    let (index, part, value) = (5, "the loss", f64::INFINITY);
    assert_eq!(cause, Cause::Example { index, part, value });
    // The outputs are what they are.
    assert!((host(cost.outputs().unwrap())[5] - 1_000.0).abs() < 1.0);
}

#[test]
fn a_sum_that_overflows_is_told_from_its_terms() {
    // Losses of 0.72e308 each.
    let cost = regression(vec![0.0; N * INPUTS]);
    let cost = cost.with_targets(matrix(&[1.2e154; N], 1)).unwrap();
    cost.losses().unwrap();
    let Err(CurvatureError::NotFinite { cause, .. }) = cost.value_and_gradient() else {
        panic!("the sum overflows");
    };
    assert!(matches!(cause, Cause::Overflow { .. }), "{cause:?}");
}

#[test]
fn a_cost_that_is_not_checked_hands_out_what_there_is() {
    let mut x = numbers(N * INPUTS, 3);
    x[3] = f64::NAN;
    let cost = regression(x).unchecked();
    assert!(host(cost.losses().unwrap())[1].is_nan());
}

#[derive(Module, Debug)]
struct Masked {
    layer: Linear,
}

/// Logits of which a mask rules some out.
fn masked(mask: &[[bool; 3]], classes: &[i64]) -> Cost {
    let mut layer = layer(3);
    layer.weight = layer.weight.map(|w| w * 0.0);
    layer.bias = layer.bias.map(|bias| bias.map(|b| b * 0.0));
    let forward = |net: &Masked, (x, mask): (Tensor<2>, Tensor<2, Bool>)| {
        net.layer.forward(x).mask_fill(mask, f64::NEG_INFINITY)
    };
    let n = mask.len();
    let flat: Vec<bool> = mask.iter().flatten().copied().collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(flat, [n, 3]), &device());
    let x = random([n, INPUTS], 3);
    let model = Model::new(&Masked { layer }, forward).unwrap();
    Cost::new(
        model,
        CrossEntropy,
        (x, mask),
        backdraft_test_support::classes(classes),
    )
    .unwrap()
}

/// What PyTorch gives: the classes that are left have a softmax among themselves.
#[test]
fn a_class_may_be_ruled_out() {
    let cost = masked(
        &[[false, false, true], [false, true, true], [false; 3]],
        &[1, 0, 2],
    );
    let expected = [2.0_f64.ln(), 0.0, 3.0_f64.ln()];
    for (loss, expected) in host(cost.losses().unwrap()).iter().zip(expected) {
        assert!((loss - expected).abs() < 1e-15, "{loss} {expected}");
    }
    assert_eq!(host(cost.outputs().unwrap())[2], f64::NEG_INFINITY);
    let slopes = host(cost.output_gradients().unwrap());
    let third = 1.0 / 3.0;
    let expected = [0.5, -0.5, 0.0, 0.0, 0.0, 0.0, third, third, third - 1.0];
    for (slope, expected) in slopes.iter().zip(expected) {
        assert!((slope - expected).abs() < 1e-15, "{slopes:?}");
    }
    let v = vector(&numbers(cost.model().dim(), 5));
    cost.gradient().unwrap();
    cost.directional_derivatives(v.clone()).unwrap();
    let (_, tangents) = cost.outputs_along(v.clone()).unwrap();
    assert_eq!(host(tangents)[2], 0.0);
    let gauss_newton = host(cost.gauss_newton().apply(v.clone()).unwrap());
    let hessian = host(cost.hessian().apply(v).unwrap());
    // The network is linear in its parameters.
    assert!(relative_error(&hessian, &gauss_newton) < 1e-13);
}

#[test]
fn an_example_of_which_everything_is_ruled_out_is_named() {
    let cost = masked(&[[false; 3], [true; 3], [true; 3]], &[1, 0, 2]);
    for error in [
        cost.losses().unwrap_err(),
        cost.outputs().unwrap_err(),
        cost.gradient().unwrap_err(),
    ] {
        let CurvatureError::NotFinite { cause, .. } = error else {
            panic!("{error}");
        };
        let Cause::Example { index: 1, part, .. } = cause else {
            panic!("{cause:?}");
        };
        assert_eq!(part, "an output");
    }
    // The class that is asked for is ruled out.
    let cost = masked(&[[false; 3], [false, true, false]], &[1, 1]);
    let Err(CurvatureError::NotFinite { cause, .. }) = cost.losses() else {
        panic!("its probability is 0");
    };
    assert!(matches!(cause, Cause::Example { index: 1, .. }));
}

/// Tokens of two classes each, of which the last is padding whose logits are all or partly ruled out.
#[test]
fn what_padding_rules_out_does_not_matter() {
    let infinite = f64::NEG_INFINITY;
    for reduction in [TokenReduction::Sum, TokenReduction::Mean] {
        let loss = TokenCrossEntropy {
            padding: Some(-100),
            reduction,
        };
        let outputs = matrix(&[0.3, 0.3, infinite, 0.3], 4);
        let targets = Tensor::from_data([[1, -100]], &device());
        let found = host(loss.per_example(outputs.clone(), targets.clone()));
        assert!((found[0] - 2.0_f64.ln()).abs() < 1e-15, "{found:?}");
        let tangents = matrix(&[1.0, 2.0, 3.0, 4.0], 4);
        let product = loss.hessian_product(outputs, targets, tangents);
        let product = host(product.unwrap());
        assert!((product[0] + 0.25).abs() < 1e-15, "{product:?}");
        assert_eq!(product[2..], [0.0, 0.0]);
    }
}

#[derive(Module, Debug)]
struct Attention {
    score: Linear,
    output: Linear,
}

/// A row of attention that may look at nothing is NaN, and so is what comes of it.
#[test]
fn attention_to_nothing_is_named() {
    const TOKENS: usize = 3;
    let net = double(Attention {
        score: LinearConfig::new(INPUTS, 1).init(&device()),
        output: LinearConfig::new(INPUTS, 1).init(&device()),
    });
    let forward = |net: &Attention, (x, mask): (Tensor<3>, Tensor<2, Bool>)| {
        let scores: Tensor<2> = net.score.forward(x.clone()).squeeze_dim(2);
        let weights = activation::softmax(scores.mask_fill(mask, f64::NEG_INFINITY), 1);
        let mean = (x * weights.unsqueeze_dim(2)).sum_dim(1);
        net.output.forward(mean.squeeze_dim::<2>(1))
    };
    let cost = |masked: [bool; 4 * TOKENS]| {
        let x = random([4, TOKENS, INPUTS], 3);
        let mask =
            Tensor::<2, Bool>::from_data(TensorData::new(masked.to_vec(), [4, TOKENS]), &device());
        let targets = random([4, 1], 6);
        Cost::new(
            Model::new(&net, forward).unwrap(),
            SquaredError,
            (x, mask),
            targets,
        )
        .unwrap()
    };
    let mut mask = [false; 4 * TOKENS];
    mask[7] = true;
    let whole = cost(mask);
    let v = vector(&numbers(whole.model().dim(), 5));
    whole.hessian().apply(v.clone()).unwrap();
    mask[6..9].fill(true);
    let error = cost(mask).hessian().apply(v).unwrap_err();
    let CurvatureError::NotFinite { cause, .. } = error else {
        panic!("{error}");
    };
    assert!(
        matches!(
            cause,
            Cause::Example {
                index: 2,
                part: "an output",
                ..
            }
        ),
        "{cause:?}"
    );
}
