//! Objectives without a minimum are never minimised, whatever finds out.

use backdraft_curvature::{Cause, Cost, CurvatureError, Model, Poisson, SquaredError};
use backdraft_influence::{
    Pbrf, PbrfConfig, ResponseError,
    response::{Descent, Minimum, Removal, ResponseKind, Responses, Step, Stop},
};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor},
};

use super::common::{DAMPING, N, network};
use backdraft_test_support::{host, matrix};

const KINDS: [ResponseKind; 3] = [
    ResponseKind::Retraining,
    ResponseKind::Proximal,
    ResponseKind::Bregman,
];

const STOP: Stop = Stop {
    tolerance: 1e-8,
    decrease: 0.0,
    max_steps: 500,
};

/// Linear regression without a bias on `inputs` of `width` numbers each, at `weights`.
fn regression(inputs: &[f64], targets: &[f64], weights: &[f64], dtype: DType) -> Cost {
    let layer = LinearConfig::new(weights.len(), 1).with_bias(false);
    let mut layer: Linear = layer.init(&Device::flex());
    let row = matrix(weights, weights.len());
    layer.weight = layer.weight.map(|_| row.transpose().cast(dtype));
    let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let (x, t) = (matrix(inputs, weights.len()), matrix(targets, 1));
    Cost::new(model, SquaredError, x.cast(dtype), t.cast(dtype)).unwrap()
}

fn minimize(cost: &Cost, kind: ResponseKind, removal: Removal) -> Result<Minimum, ResponseError> {
    let responses = Responses::new(cost, 0.5).unwrap();
    let objective = responses.objective(kind, removal)?;
    objective.minimize(responses.theta().clone(), STOP)
}

/// Curvature 14/3 - 0.6 * 9 = -0.73 without, -0.23 with damping.
#[test]
fn what_falls_without_end_has_diverged() {
    for dtype in [DType::F32, DType::F64] {
        let cost = regression(&[1.0, 2.0, 3.0], &[1.0, 2.0, 2.0], &[0.5], dtype);
        let removal = || Removal::downweight(vec![2], 0.6);
        for kind in KINDS {
            let found = minimize(&cost, kind, removal());
            assert!(
                matches!(found, Err(ResponseError::Diverged)),
                "{kind:?} {dtype:?}: {found:?}"
            );
        }
        // A quadratic whose matrix has the example in it.
        let found = minimize(&cost, ResponseKind::Linearized, removal()).unwrap();
        assert!(found.relative_gradient() < 1e-5);
        let config = PbrfConfig {
            epsilon: Some(0.6),
            ..PbrfConfig::new(0.5)
        };
        let found = Pbrf::new(&cost, config).unwrap().remove(2);
        assert!(matches!(found, Err(ResponseError::Diverged)));
        // With less taken off it has one.
        for kind in KINDS {
            let found = minimize(&cost, kind, Removal::of(vec![2], 3)).unwrap();
            assert!(found.relative_gradient() < 1e-5, "{kind:?}");
        }
    }
}

#[test]
fn two_stages_and_descents_diverge_too() {
    let cost = regression(&[1.0, 2.0, 3.0], &[1.0, 2.0, 2.0], &[0.5], DType::F64);
    let responses = Responses::new(&cost, 0.5).unwrap();
    let removal = || Removal::downweight(vec![2], 0.6);
    let two = responses.two_stage(removal(), |objective| {
        let found = objective.minimize(responses.theta().clone(), STOP)?;
        Ok::<_, ResponseError>(found.theta)
    });
    assert!(matches!(two, Err(ResponseError::Diverged)));

    let step = Step {
        rate: 0.05,
        examples: vec![0, 1, 2],
    };
    let (steps, descent) = (vec![step; 5], Descent::Sgd { momentum: 0.0 });
    for kind in KINDS {
        let objective = responses.objective(kind, removal()).unwrap();
        let from = responses.theta().clone();
        let found = objective.descend(from.clone(), descent, steps.clone(), |_| {});
        assert!(matches!(found, Err(ResponseError::Diverged)), "{kind:?}");
        let objective = responses.objective(kind, Removal::of(vec![2], 3)).unwrap();
        let found = objective.descend(from, descent, steps.clone(), |_| {});
        assert!(found.is_ok(), "{kind:?}");
    }
}

/// Where the gradient vanishes at the start, nothing is descended: the curvature tells minima from other points.
#[test]
fn a_stationary_point_that_is_no_minimum_has_diverged() {
    // All residuals are 0.
    let cost = regression(&[1.0, 2.0, 3.0], &[0.5, 1.0, 1.5], &[0.5], DType::F64);
    for kind in KINDS {
        let found = minimize(&cost, kind, Removal::downweight(vec![2], 0.6));
        assert!(matches!(found, Err(ResponseError::Diverged)), "{kind:?}");
        for fine in [Removal::of(vec![2], 3), Removal::none()] {
            let found = minimize(&cost, kind, fine).unwrap();
            assert_eq!((found.values.len(), found.relative_gradient()), (1, 0.0));
        }
    }
    // A direction of its own, along which nothing is wrong but the curvature: (1/3 - 0.6) 9 + 0.5 = -1.9.
    let inputs = [1.0, 0.0, 2.0, 0.0, 0.0, 3.0];
    let cost = regression(&inputs, &[1.0, 1.5, 1.5], &[0.5, 0.5], DType::F64);
    for kind in [ResponseKind::Retraining, ResponseKind::Proximal] {
        let found = minimize(&cost, kind, Removal::downweight(vec![2], 0.6));
        assert!(matches!(found, Err(ResponseError::Diverged)), "{kind:?}");
        let found = minimize(&cost, kind, Removal::of(vec![2], 3)).unwrap();
        assert!(found.relative_gradient() < 1e-8, "{kind:?}");
    }
}

#[test]
fn no_step_is_no_progress() {
    let found = Minimum {
        theta: matrix(&[1.0], 1).reshape([1]),
        values: vec![1.0],
        gradient_norms: vec![0.4],
    };
    assert_eq!(found.relative_gradient(), 1.0);
}

/// The first trial of the line search overflows; the minimum is near all the same.
#[test]
fn a_step_that_overflows_is_too_long() {
    let layer = LinearConfig::new(1, 1).with_bias(false);
    let mut layer: Linear = layer.init(&Device::flex());
    layer.weight = layer.weight.map(|_| matrix(&[0.0], 1));
    let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let (x, t) = (matrix(&[10.0, 10.0], 1), matrix(&[2e3, 2e3], 1));
    let cost = Cost::new(model, Poisson, x, t).unwrap().with_l2(1e-6);
    let responses = Responses::new(&cost, 0.0).unwrap();
    let objective = responses.objective(ResponseKind::Retraining, Removal::none());
    let found = objective
        .unwrap()
        .minimize(responses.theta().clone(), STOP)
        .unwrap();
    let expected = 2e3_f64.ln() / 10.0;
    assert!((host(found.theta)[0] - expected).abs() < 1e-6);
}

#[test]
fn objectives_that_are_not_finite_name_the_example() {
    let inputs = [1.0, f64::NAN, 3.0];
    let cost = regression(&inputs, &[1.0, 2.0, 2.0], &[0.5], DType::F64);
    let responses = Responses::new(&cost, 0.5).unwrap();
    for kind in [ResponseKind::Retraining, ResponseKind::Proximal] {
        let objective = responses.objective(kind, Removal::of(vec![2], 3)).unwrap();
        let theta = responses.theta().clone();
        let step = Step {
            rate: 0.1,
            examples: vec![0],
        };
        let descent = Descent::Sgd { momentum: 0.0 };
        for error in [
            objective.value(&theta).unwrap_err(),
            objective.value_and_gradient(&theta).unwrap_err(),
            objective.minimize(theta.clone(), STOP).unwrap_err(),
            objective
                .descend(theta, descent, [step], |_| {})
                .unwrap_err(),
        ] {
            let ResponseError::Curvature(CurvatureError::NotFinite { cause, .. }) = error else {
                panic!("{error}");
            };
            assert!(
                matches!(cause, Cause::Example { index: 1, .. }),
                "{cause:?}"
            );
        }
    }
}

#[test]
fn steps_and_stops_without_sense_are_refused() {
    let responses = Responses::new(&network(), DAMPING).unwrap();
    let objective = responses.objective(ResponseKind::Proximal, Removal::of(vec![1], N));
    let objective = objective.unwrap();
    let theta = || responses.theta().clone();
    let setting = |error: ResponseError| match error {
        ResponseError::Setting { name, .. } => name,
        error => panic!("{error}"),
    };
    for momentum in [-0.1, 1.0, f64::NAN] {
        let found = objective.descend(theta(), Descent::Sgd { momentum }, [], |_| {});
        assert_eq!(setting(found.unwrap_err()), "momentum");
    }
    for rate in [-0.1, f64::INFINITY, f64::NAN] {
        let step = Step {
            rate,
            examples: vec![1],
        };
        let found = objective.descend(theta(), Descent::Adam, [step], |_| {});
        assert_eq!(setting(found.unwrap_err()), "rate");
    }
    for decrease in [-1.0, 1.0, f64::NAN] {
        let found = objective.minimize(theta(), Stop { decrease, ..STOP });
        assert_eq!(setting(found.unwrap_err()), "decrease");
    }
    let refused = Responses::new(&network().with_l2(-0.1), 1.0);
    assert_eq!(setting(refused.err().unwrap()), "l2");
}
