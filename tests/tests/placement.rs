//! Tensors on another device than the model's are refused, with where they are and where they must be.

use std::io;

use backdraft::{
    curvature::{Cost, CrossEntropy, CurvatureError, LinearOperator, Model, SquaredError},
    influence::{DirectConfig, SolveError, Solver},
};
use backdraft_tests::Outcome;
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor},
};

fn cost(device: &Device) -> Result<Cost<SquaredError>, CurvatureError> {
    let net = LinearConfig::new(2, 1).init(device);
    let model = Model::new(&net, Linear::forward::<2>)?;
    Cost::new(model, SquaredError, inputs(device), targets(device))
}

fn inputs(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[1.0, 2.0], [-1.0, 0.5], [0.0, 1.0]], device)
}

fn targets(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[1.0], [0.0], [-1.0]], device)
}

// Deprecated by Burn in favour of flex; still a device that every build of these tests has.
#[allow(deprecated)]
#[test]
fn tensors_elsewhere_are_refused() -> Outcome {
    let (here, there) = (Device::flex(), Device::ndarray());
    let cost = cost(&here)?;
    let v = cost.model().theta().to_device(&there);
    let model = || cost.model().clone();
    let classes = Tensor::<1, Int>::zeros([3], &there);
    let pass = {
        let there = there.clone();
        move || {
            std::iter::once(Ok::<_, io::Error>((
                inputs(&there),
                targets(&Device::flex()),
            )))
        }
    };
    let streamed = Cost::streamed(model(), SquaredError, 3, pass)?;
    let refused = [
        Cost::new(model(), SquaredError, inputs(&there), targets(&here)).map(drop),
        Cost::new(model(), SquaredError, inputs(&here), targets(&there)).map(drop),
        cost.with_examples(inputs(&there), targets(&there))
            .map(drop),
        cost.with_targets(targets(&there)).map(drop),
        cost.with_loss(CrossEntropy, classes).map(drop),
        cost.at(v.clone()).map(drop),
        cost.directional_derivatives(v.clone()).map(drop),
        cost.hessian().apply(v.clone()).map(drop),
        cost.gradients_at(v.clone().unsqueeze_dim(0)).map(drop),
        streamed.gradient().map(drop),
        streamed.select(&[1]).map(drop),
    ];
    for (i, result) in refused.into_iter().enumerate() {
        let error = result.expect_err("it is elsewhere");
        let text = error.to_string();
        assert!(
            matches!(error, CurvatureError::Placement { .. }),
            "{i}: {text}"
        );
        assert!(text.contains("to_device"), "{i}: {text}");
    }
    let operator = cost.hessian();
    let solver = DirectConfig::default().init()?;
    let solved = solver.prepare(&operator).and_then(|ready| ready.solve(v));
    assert!(matches!(solved, Err(SolveError::Placement { .. })));
    Ok(())
}
