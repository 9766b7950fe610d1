//! Numbers in 64 bits, to a device and back.

use backdraft_models::computes_in_f64;
use burn::tensor::{DType, Device, Tensor, TensorData, TensorReadError};

use super::IllustrationError;

pub(super) fn check(device: &Device) -> Result<(), IllustrationError> {
    match computes_in_f64(device) {
        true => Ok(()),
        false => Err(IllustrationError::Precision),
    }
}

/// The values in rows of so many.
pub(super) fn matrix(values: &[f64], columns: usize, device: &Device) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [values.len() / columns, columns]);
    Tensor::from_data(data, (device, DType::F64))
}

pub(super) fn vector(values: &[f64], device: &Device) -> Tensor<1> {
    let data = TensorData::new(values.to_vec(), [values.len()]);
    Tensor::from_data(data, (device, DType::F64))
}

/// The elements, row by row.
pub(super) fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, TensorReadError> {
    tensor.try_into_vec_as::<f64>()
}

/// `count` numbers from `low` to `high`, equally far from each other.
pub(super) fn evenly([low, high]: [f64; 2], count: usize) -> Vec<f64> {
    let part = |place: usize| place as f64 / (count.max(2) - 1) as f64;
    (0..count).map(|it| low + (high - low) * part(it)).collect()
}
