//! Quotients of f64 by a number.
//!
//! - Fault: burn-autodiff's reverse mode of `div_scalar` takes the reciprocal in f32, whatever the type of the tensor.
//!   Burn 0.22.1.
//! - Way round: such a quotient is a product with the reciprocal before it is differentiated.
//! - It may go when `burn_still_rounds_the_reciprocal`, below, fails.

use burn_backend::DType;
use burn_ir::ScalarIr;

use crate::ir::operation::number;

/// What to multiply tensors of type `dtype` by instead of dividing them by `divisor`, where that has to be.
pub(crate) fn reciprocal(divisor: &ScalarIr, dtype: DType) -> Option<f64> {
    match dtype {
        DType::F64 => Some(number(divisor)?.recip()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor, TensorData};

    /// When this fails, the way round is no longer needed.
    #[test]
    fn burn_still_rounds_the_reciprocal() {
        let device = Device::flex().autodiff();
        let x = TensorData::new(vec![1.0_f64], [1]);
        let x = Tensor::<1>::from_data(x, (&device, DType::F64)).require_grad();
        let gradients = (x.clone() / 3.0).backward();
        let slope: Vec<f64> = x.grad(&gradients).unwrap().into_data().iter().collect();
        assert_eq!(slope, [f64::from(1.0_f32 / 3.0)]);
    }
}
