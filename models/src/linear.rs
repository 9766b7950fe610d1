use burn::module::Param;
use burn::nn::Linear;
use burn::tensor::{Device, TensorData};
use rand::Rng;

/// A [`Linear`] layer whose weight and bias are uniform on `±1/sqrt(inputs)`, as burn-nn's default, but drawn
/// from `rng`: a device's generator may be shared by the whole process, and then a seed promises nothing.
pub(crate) fn linear(inputs: usize, outputs: usize, rng: &mut impl Rng, device: &Device) -> Linear {
    assert!(
        inputs > 0 && outputs > 0,
        "a layer needs at least one input and one output, got {inputs} and {outputs}"
    );
    let bound = 1.0 / (inputs as f64).sqrt();
    let mut draw = |count: usize| -> Vec<f64> {
        (0..count)
            .map(|_| rng.random_range(-bound..bound))
            .collect()
    };
    let weight = TensorData::new(draw(inputs * outputs), [inputs, outputs]);
    let bias = TensorData::new(draw(outputs), [outputs]);
    Linear {
        weight: Param::from_data(weight, device),
        bias: Some(Param::from_data(bias, device)),
    }
}
