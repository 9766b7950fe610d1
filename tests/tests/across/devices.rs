//! Every model of the zoo on every device that there is: the same quantities as on flex, up to rounding. And tensors on
//! another device than the model's, which are refused with where they are and where they must be.

use std::{
    env, io,
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use backdraft::comparison::{ComparisonError, Quantity, Sample, measure};
use backdraft::curvature::{
    self, Cost, CrossEntropy, CurvatureError, LinearOperator, SquaredError,
};
use backdraft::influence::{DirectConfig, SolveError, Solver};
use backdraft::models::Architecture;
use backdraft_test_support::{Outcome, ndarray, wgpu};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor},
};

const SEED: u64 = 0;

/// Those that have every kind of layer of the zoo between them: convolutions with pools, embeddings with attention and
/// normalization, and dense ones. A graphics device takes a minute for each, nearly all of it to compile kernels.
const CHOSEN: [Architecture; 2] = [Architecture::LeNet, Architecture::Transformer];

/// The models that `MODELS` names, separated by commas, or `all`.
fn asked() -> Outcome<Vec<Architecture>> {
    match env::var("MODELS") {
        Ok(names) if names == "all" => Ok(Architecture::ALL.to_vec()),
        Ok(names) => Ok(names.split(',').map(str::parse).collect::<Result<_, _>>()?),
        Err(_) => Ok(CHOSEN.to_vec()),
    }
}

/// Prints a line a quantity and refuses what is above its bound. On a processor models are compared side by side.
fn assert_agrees(
    device: &Device,
    models: &[Architecture],
    workers: usize,
    bound: fn(Quantity) -> f64,
) -> Outcome {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<String>, String> {
        let mut above = Vec::new();
        while let Some(&model) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
            above.extend(apart(model, device, bound).map_err(|error| error.to_string())?);
        }
        Ok(above)
    };
    let above = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let found = workers.into_iter().map(|it| it.join().expect("a worker"));
        found.collect::<Result<Vec<_>, _>>()
    })?;
    let above = above.concat();
    assert!(above.is_empty(), "too far from flex: {above:#?}");
    Ok(())
}

/// What is above its bound.
fn apart(
    model: Architecture,
    device: &Device,
    bound: fn(Quantity) -> f64,
) -> Result<Vec<String>, ComparisonError> {
    let sample = Sample::of(model, SEED);
    let expected = measure(&sample, &Device::flex(), None, &Quantity::ALL)?;
    let found = measure(&sample, device, None, &Quantity::ALL)?;
    let mut above = Vec::new();
    for (quantity, error) in found.compare(&expected) {
        let line = format!("{:12} {quantity:9} {error:.1e}", model.name());
        println!("{line}");
        // A comparison that NaN fails too.
        if error.is_nan() || error > bound(quantity) {
            above.push(line);
        }
    }
    Ok(above)
}

#[test]
fn wgpu_agrees_with_flex() -> Outcome {
    let Some(device) = wgpu() else {
        return Ok(());
    };
    assert_agrees(&device, &asked()?, 1, Quantity::bound)
}

#[cfg(feature = "cuda")]
#[test]
fn cuda_agrees_with_flex() -> Outcome {
    match Device::enumerate(burn::tensor::DeviceType::Cuda)
        .into_iter()
        .next()
    {
        Some(device) => assert_agrees(&device, &Architecture::ALL, 1, Quantity::bound_in_tf32),
        None => {
            println!("skipped: no CUDA device on this machine");
            Ok(())
        }
    }
}

#[test]
fn ndarray_agrees_with_flex() -> Outcome {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    assert_agrees(&ndarray(), &Architecture::ALL, workers, Quantity::bound)
}

/// The comparison tells different numbers apart.
#[test]
fn another_seed_is_far_away() -> Outcome {
    let of = |seed| Sample::of(Architecture::Mlp, seed);
    let [a, b] = [1, 2].map(|seed| measure(&of(seed), &Device::flex(), None, &Quantity::ALL));
    for (quantity, error) in a?.compare(&b?) {
        assert!(error > 0.1, "{quantity}: {error}");
    }
    Ok(())
}

fn cost(device: &Device) -> Result<Cost, CurvatureError> {
    let net = LinearConfig::new(2, 1).init(device);
    let model = curvature::Model::new(&net, Linear::forward::<2>)?;
    Cost::new(model, SquaredError, inputs(device), targets(device))
}

fn inputs(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[1.0, 2.0], [-1.0, 0.5], [0.0, 1.0]], device)
}

fn targets(device: &Device) -> Tensor<2> {
    Tensor::from_floats([[1.0], [0.0], [-1.0]], device)
}

#[test]
fn tensors_elsewhere_are_refused() -> Outcome {
    let (here, there) = (Device::flex(), ndarray());
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
