//! Masks among the inputs, and vectors that do not fit.

use backdraft_curvature::{Cost, CurvatureError, Damped, Model, SquaredError};
use backdraft_influence::{
    ConjugateGradientConfig, LissaConfig, Pbrf, PbrfConfig, SolveError, Solver,
    response::{Descent, Removal, ResponseError, ResponseKind, Responses, Step, Stop},
    self_influence,
};
use burn::{
    nn::Linear,
    tensor::{Bool, DType, Device, Tensor, TensorData},
};

use super::common::{DAMPING, INPUTS, N, inputs, layer, linear};
use backdraft_test_support::{host, random};

fn targets() -> Tensor<2> {
    random([N, 1], 19)
}

/// Inputs of which a mask leaves some; and the same with zeros in the place of the others.
fn masked() -> (Cost, Cost) {
    let bits: Vec<bool> = (0..N * INPUTS).map(|i| i % 5 != 2).collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(bits, [N, INPUTS]), &Device::flex());
    let net = layer(INPUTS, 1);
    let forward = |net: &Linear, (x, mask): (Tensor<2>, Tensor<2, Bool>)| {
        net.forward(x.mask_fill(mask.bool_not(), 0.0))
    };
    let x = inputs().mask_fill(mask.clone().bool_not(), 0.0);
    let model = Model::new(&net, forward).unwrap();
    let found = Cost::new(model, SquaredError, (inputs(), mask), targets());
    let model = Model::new(&net, |net: &Linear, x: Tensor<2>| net.forward(x)).unwrap();
    let expected = Cost::new(model, SquaredError, x, targets());
    [found.unwrap(), expected.unwrap()]
        .map(|cost| cost.with_batch_size(5).unwrap())
        .into()
}

#[test]
fn masks_go_through_solvers_and_responses() {
    let (found, expected) = masked();
    let influence = |cost: &Cost| {
        let operator = Damped::new(cost.gauss_newton(), DAMPING);
        let lissa = LissaConfig {
            batch_size: 4,
            depth: 50,
            repeats: 2,
            tolerance: f64::INFINITY,
            ..LissaConfig::default()
        };
        let (lissa, exact) = (
            lissa.init().unwrap(),
            ConjugateGradientConfig::default().init().unwrap(),
        );
        let of = |solver: &dyn Solver| {
            let ready = solver.prepare(&operator).unwrap();
            self_influence(cost, &*ready, &[3, 0, 7]).unwrap()
        };
        [of(&lissa), of(&exact)].concat()
    };
    let close = |a: &[f64], b: &[f64]| {
        let apart = a.iter().zip(b).map(|(a, b)| (a - b).abs() / b.abs());
        assert!(apart.fold(0.0, f64::max) < 1e-12, "{a:?} {b:?}");
    };
    close(&influence(&found), &influence(&expected));
    let respond = |cost: &Cost| {
        let pbrf = Pbrf::new(cost, PbrfConfig::new(DAMPING)).unwrap();
        host(pbrf.remove(4).unwrap().theta)
    };
    close(&respond(&found), &respond(&expected));
}

#[test]
fn parameters_that_do_not_fit_are_refused() {
    let responses = Responses::new(&linear(), DAMPING).unwrap();
    let (dim, theta) = (responses.cost().model().dim(), responses.theta().clone());
    let long = Tensor::cat(vec![theta.clone(), theta.clone()], 0);
    let steps = || {
        [Step {
            rate: 0.1,
            examples: vec![1],
        }]
    };
    for kind in [
        ResponseKind::Retraining,
        ResponseKind::Bregman,
        ResponseKind::Linearized,
    ] {
        let objective = responses.objective(kind, Removal::of(vec![0], N)).unwrap();
        let stop = Stop {
            tolerance: 1e-3,
            decrease: 1e-6,
            max_steps: 3,
        };
        let sgd = Descent::Sgd { momentum: 0.0 };
        let of = |theta: &Tensor<1>| {
            [
                objective.value(theta).map(drop),
                objective.value_and_gradient(theta).map(drop),
                objective.minimize(theta.clone(), stop).map(drop),
                objective
                    .descend(theta.clone(), sgd, steps(), |_| {})
                    .map(drop),
            ]
        };
        for error in of(&long).map(Result::unwrap_err) {
            match error {
                ResponseError::Curvature(CurvatureError::Dimension { expected, found }) => {
                    assert_eq!((expected, found), (dim, 2 * dim));
                }
                error => panic!("{error}"),
            }
        }
        for error in of(&theta.clone().cast(DType::F32)).map(Result::unwrap_err) {
            let fits = matches!(
                error,
                ResponseError::Curvature(CurvatureError::Placement { .. })
            );
            assert!(fits, "{error}");
        }
    }
    let cost = responses.cost();
    let operator = Damped::new(cost.gauss_newton(), DAMPING);
    let solver = ConjugateGradientConfig::default().init().unwrap();
    let ready = solver.prepare(&operator).unwrap();
    assert!(matches!(
        ready.solve(long),
        Err(SolveError::Dimension { .. })
    ));
}
