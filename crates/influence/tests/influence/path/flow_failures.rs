//! Flows that cannot be followed, and settings that make no sense.

use backdraft_curvature::{Cost, Model, SquaredError};
use backdraft_influence::{
    path::{FlowError, GradientFlowConfig},
    response::{Removal, Responses},
};
use backdraft_test_support::{matrix, vector};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Tensor},
};

use super::flow::{L2, end, flow, objective};
use crate::response::common::linear;

#[test]
fn times_and_settings_that_make_no_sense_are_refused() {
    let cost = linear().with_l2(L2);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::none());
    let start = || cost.model().theta();
    let refused = |times: &[f64], problem: &str| {
        let error = flow(1e-6).follow(&objective, start(), times).unwrap_err();
        let told = error.to_string();
        assert!(
            matches!(error, FlowError::Setting { name: "times", .. }),
            "{told}"
        );
        assert!(told.contains(problem), "{told}");
    };
    refused(&[], "none");
    refused(&[f64::NAN], "finite");
    refused(&[1.0, f64::INFINITY], "finite");
    refused(&[-1.0], "back in time");
    refused(&[2.0, 1.0], "back in time");
    // s > T.
    let path = flow(1e-6).follow(&objective, start(), &[3.0]).unwrap();
    let error = flow(1e-6)
        .switch(&objective, &path.states[0], &[1.0])
        .unwrap_err();
    assert!(error.to_string().contains("1.0 after 3.0"), "{error}");
    for wrong in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY] {
        let of = |relative_tolerance, absolute_tolerance| GradientFlowConfig {
            relative_tolerance,
            absolute_tolerance,
            max_steps: 10,
        };
        for config in [of(wrong, 1e-6), of(1e-6, wrong)] {
            assert!(
                matches!(config.init(), Err(FlowError::Setting { .. })),
                "{wrong}"
            );
        }
    }
    let config = GradientFlowConfig {
        max_steps: 0,
        ..GradientFlowConfig::default()
    };
    assert!(config.init().is_err());
    let error = flow(1e-6)
        .follow(&objective, vector(&[1.0]), &[1.0])
        .unwrap_err();
    assert!(error.to_string().contains("4"), "{error}");
}

/// Linear regression without a bias at the weight 0.5.
fn slope(inputs: &[f64], targets: &[f64], dtype: DType) -> Cost {
    let layer = LinearConfig::new(1, 1).with_bias(false);
    let mut layer: Linear = layer.init(&Device::flex());
    layer.weight = layer.weight.map(|_| matrix(&[0.5], 1).cast(dtype));
    let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let (x, t) = (matrix(inputs, 1), matrix(targets, 1));
    Cost::new(model, SquaredError, x.cast(dtype), t.cast(dtype)).unwrap()
}

/// A curvature of 5e5 keeps steps below 7e-6 of a time unit, whatever the tolerance.
#[test]
fn a_stiff_flow_tells_how_many_steps_it_takes() {
    let cost = slope(&[1e3, 1.0], &[1.0, 2.0], DType::F64);
    let responses = Responses::undamped(&cost).unwrap();
    let config = GradientFlowConfig {
        max_steps: 200,
        ..GradientFlowConfig::default()
    };
    let method = config.init().unwrap();
    let objective = objective(&responses, Removal::none());
    let error = method
        .follow(&objective, responses.theta().clone(), &[1.0])
        .unwrap_err();
    let FlowError::TooManySteps {
        steps, time, size, ..
    } = error
    else {
        panic!("{error}");
    };
    assert!(steps == 200 && time > 0.0 && time < 0.01, "{time}");
    // The method is stable up to about 3.3 over the curvature.
    assert!(size < 2e-5, "{size}");
    assert!(
        error.to_string().contains("Raise the number of steps"),
        "{error}"
    );
}

/// The whole curvature and more taken off: the objective falls ever faster, beyond all numbers.
#[test]
fn what_falls_without_end_is_an_error() {
    let cost = slope(&[1.0, 30.0], &[1.0, 2.0], DType::F64);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::downweight(vec![1], 2.0));
    let start = responses.theta().clone();
    let error = flow(1e-6).follow(&objective, start, &[1.0]).unwrap_err();
    assert!(matches!(error, FlowError::Diverged { .. }), "{error}");
    assert!(error.to_string().contains("add an L2 term"), "{error}");
}

#[test]
fn a_start_that_is_no_number_says_so() {
    let cost = slope(&[1.0, 2.0], &[1.0, 2.0], DType::F64);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::none());
    let error = flow(1e-6)
        .follow(&objective, vector(&[f64::NAN]), &[1.0])
        .unwrap_err();
    assert!(matches!(error, FlowError::Response(_)), "{error}");
}

#[test]
fn single_precision_takes_a_tolerance_that_it_can_tell() {
    let cost = slope(&[1.0, 2.0], &[1.0, 2.5], DType::F32);
    let responses = Responses::undamped(&cost).unwrap();
    let objective = objective(&responses, Removal::none());
    let follow = |tolerance| flow(tolerance).follow(&objective, responses.theta().clone(), &[10.0]);
    let told = follow(1e-9).unwrap_err().to_string();
    assert!(told.contains("compute in f64"), "{told}");
    // The minimum is 6/5.
    let found = end(&follow(1e-5).unwrap());
    assert!((found[0] - 1.2).abs() < 1e-5, "{found:?}");
}
