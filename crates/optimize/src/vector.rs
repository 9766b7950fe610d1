//! Numbers of vectors, read from their device.

use burn::tensor::{Tensor, TensorReadError};

/// The Euclidean norm, without overflow; NaN if an element is NaN or infinite. It is computed on the device, and two
/// numbers come back.
///
/// # Errors
/// If they cannot be read.
pub fn norm(v: &Tensor<1>) -> Result<f64, TensorReadError> {
    let largest = v.clone().abs().max();
    let squares = (v.clone() / largest.clone()).square().sum();
    let both = Tensor::cat(vec![largest, squares], 0);
    let [largest, squares] = both.try_into_vec_as::<f64>()?[..] else {
        unreachable!("two numbers were read");
    };
    // Of zeros the squares are NaN too. What a device takes for the largest of NaN and zero is its own business: look
    // at them all.
    if largest == 0.0 {
        let numbers = v.clone().try_into_vec_as::<f64>()?;
        let zeros = numbers.into_iter().all(|x| x == 0.0);
        return Ok(if zeros { 0.0 } else { f64::NAN });
    }
    let norm = largest * squares.sqrt();
    Ok(if norm.is_finite() { norm } else { f64::NAN })
}

/// The inner product; `None` if it is NaN or infinite.
pub(crate) fn dot(a: &Tensor<1>, b: &Tensor<1>) -> Result<Option<f64>, TensorReadError> {
    let product: f64 = (a.clone() * b.clone()).sum().try_into_scalar()?;
    Ok(product.is_finite().then_some(product))
}
