//! Tensors in f64 on the device of the tests.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::numbers::numbers;

/// Where tests compute that do not say where.
pub fn device() -> Device {
    Device::flex()
}

/// The values in a shape.
pub fn tensor<const D: usize>(values: &[f64], shape: [usize; D]) -> Tensor<D> {
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, (&device(), DType::F64))
}

/// [`numbers`] in a shape.
pub fn random<const D: usize>(shape: [usize; D], seed: u64) -> Tensor<D> {
    tensor(&numbers(shape.iter().product(), seed), shape)
}

/// The values as they are.
pub fn vector(values: &[f64]) -> Tensor<1> {
    tensor(values, [values.len()])
}

/// The values in rows of so many.
pub fn matrix(values: &[f64], columns: usize) -> Tensor<2> {
    tensor(values, [values.len() / columns, columns])
}

/// Labels, one an example.
pub fn classes(values: &[i64]) -> Tensor<1, Int> {
    Tensor::from_data(values, &device())
}

/// The elements, on the host.
pub fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}
