//! What an evaluation puts into its store: numbers, to the bit.

use burn::tensor::{Bytes, Tensor, TensorData};

use super::estimate::Estimate;

/// The bytes of parameters.
pub(super) fn parameters(theta: &Tensor<1>) -> Vec<u8> {
    theta.to_data().as_bytes().to_vec()
}

/// What [`parameters`] made, in the place of `like`.
pub(super) fn read_parameters(bytes: &[u8], like: &Tensor<1>) -> Result<Tensor<1>, String> {
    let [dim] = like.dims();
    let expected = dim * like.dtype().size();
    if bytes.len() != expected {
        return Err(format!(
            "it has {} bytes, and {dim} parameters have {expected}",
            bytes.len()
        ));
    }
    let bytes = Bytes::from_bytes_vec(bytes.to_vec());
    let data = TensorData::from_bytes(bytes, [dim], like.dtype());
    Ok(Tensor::from_data(data, (&like.device(), like.dtype())))
}

/// The bytes of numbers.
pub(super) fn numbers(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// What [`numbers`] made.
pub(super) fn read_numbers(bytes: &[u8]) -> Result<Vec<f64>, String> {
    let (values, rest) = bytes.as_chunks();
    match rest {
        [] => Ok(values.iter().map(|it| f64::from_le_bytes(*it)).collect()),
        _ => Err(format!(
            "it has {} bytes, which are no whole numbers of 8",
            bytes.len()
        )),
    }
}

/// Bytes of what stands before an estimate's parameters.
const HEAD: usize = 16;

pub(super) fn estimate(estimate: &Estimate) -> Vec<u8> {
    let head = numbers(&[estimate.residual, f64::from(u8::from(estimate.solved))]);
    [head, parameters(&estimate.change)].concat()
}

/// What [`estimate`] made, in the place of `like`.
pub(super) fn read_estimate(bytes: &[u8], like: &Tensor<1>) -> Result<Estimate, String> {
    let Some((head, change)) = bytes.split_at_checked(HEAD) else {
        return Err(format!("it has {} bytes only", bytes.len()));
    };
    match read_numbers(head)?.as_slice() {
        &[residual, solved] => Ok(Estimate {
            change: read_parameters(change, like)?,
            residual,
            solved: solved == 1.0,
        }),
        _ => Err("it is no estimate".to_owned()),
    }
}
