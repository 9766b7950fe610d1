//! Every model of the zoo on every device that there is: the same quantities as on flex, up to rounding.

use std::error::Error;

use backdraft::comparison::{Quantity, Sample, measure};
use backdraft::models::Model;
use burn::tensor::{Device, DeviceType};

type Outcome = Result<(), Box<dyn Error>>;

const SEED: u64 = 0;

/// What is computed of a model on a graphics device. Software ones take minutes to compile all programs of the deep convolutional
/// networks; `backdraft compare` computes the rest.
fn on_graphics(model: Model) -> &'static [Quantity] {
    match model {
        Model::AlexNet | Model::Vgg13 | Model::ResNet20 => {
            &[Quantity::Outputs, Quantity::Gradient, Quantity::GaussNewton]
        }
        _ => &Quantity::ALL,
    }
}

/// Prints a line a quantity and refuses what is above its bound.
fn assert_agrees(device: &Device, quantities: fn(Model) -> &'static [Quantity]) -> Outcome {
    let mut above = Vec::new();
    for model in Model::ALL {
        let (sample, quantities) = (Sample::of(model, SEED), quantities(model));
        let expected = measure(&sample, &Device::flex(), None, quantities)?;
        let found = measure(&sample, device, None, quantities)?;
        for (quantity, error) in found.compare(&expected) {
            let line = format!("{:12} {quantity:9} {error:.1e}", model.name());
            println!("{line}");
            // A comparison that NaN fails too.
            if error.is_nan() || error > quantity.bound() {
                above.push(line);
            }
        }
    }
    assert!(above.is_empty(), "too far from flex: {above:#?}");
    Ok(())
}

/// A software adapter such as Mesa's lavapipe counts.
#[test]
fn wgpu_agrees_with_flex() -> Outcome {
    match Device::enumerate(DeviceType::Wgpu).into_iter().next() {
        Some(device) => assert_agrees(&device, on_graphics),
        None => {
            println!("skipped: no wgpu adapter on this machine");
            Ok(())
        }
    }
}

#[cfg(feature = "cuda")]
#[test]
fn cuda_agrees_with_flex() -> Outcome {
    match Device::enumerate(DeviceType::Cuda).into_iter().next() {
        Some(device) => assert_agrees(&device, |_| &Quantity::ALL),
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
    assert_agrees(&Device::ndarray(), |_| &Quantity::ALL)
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
