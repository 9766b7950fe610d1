//! Every model of the zoo on every device that there is: the same quantities as on flex, up to rounding.

use std::{
    num::NonZeroUsize,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use backdraft::comparison::{ComparisonError, Quantity, Sample, measure};
use backdraft::models::Model;
use backdraft_tests::{Outcome, wgpu};
use burn::tensor::Device;

const SEED: u64 = 0;

/// Prints a line a quantity and refuses what is above its bound. On a processor models are compared side by side.
fn assert_agrees(device: &Device, workers: usize, bound: fn(Quantity) -> f64) -> Outcome {
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<String>, String> {
        let mut above = Vec::new();
        while let Some(&model) = Model::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
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
    model: Model,
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
    wgpu().map_or(Ok(()), |device| assert_agrees(&device, 1, Quantity::bound))
}

#[cfg(feature = "cuda")]
#[test]
fn cuda_agrees_with_flex() -> Outcome {
    match Device::enumerate(burn::tensor::DeviceType::Cuda)
        .into_iter()
        .next()
    {
        Some(device) => assert_agrees(&device, 1, Quantity::bound_in_tf32),
        None => {
            println!("skipped: no CUDA device on this machine");
            Ok(())
        }
    }
}

// Deprecated by Burn in favour of flex; still offered to users who compare with it.
#[allow(deprecated)]
#[test]
fn ndarray_agrees_with_flex() -> Outcome {
    let workers = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    assert_agrees(&Device::ndarray(), workers, Quantity::bound)
}

/// The comparison tells different numbers apart.
#[test]
fn another_seed_is_far_away() -> Outcome {
    let of = |seed| Sample::of(Model::Mlp, seed);
    let [a, b] = [1, 2].map(|seed| measure(&of(seed), &Device::flex(), None, &Quantity::ALL));
    for (quantity, error) in a?.compare(&b?) {
        assert!(error > 0.1, "{quantity}: {error}");
    }
    Ok(())
}
