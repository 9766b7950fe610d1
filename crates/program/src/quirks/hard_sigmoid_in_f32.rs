//! The hard sigmoid of f64.
//!
//! - Fault: `hard_sigmoid` of burn-backend, which all but burn-flex use, goes through f32. Burn 0.22.1.
//! - Way round: the line and the clamp that it is.
//! - It may go when `burn_still_rounds_on_ndarray` in `tests/tests/across/gpu.rs` fails at the hard sigmoid.

use burn_backend::{Backend, DType, Scalar, TensorMetadata, tensor::FloatTensor};

/// `alpha x + beta`, cut off below 0 and above 1.
pub(crate) fn hard_sigmoid<B: Backend>(
    x: FloatTensor<B>,
    alpha: Scalar,
    beta: Scalar,
) -> FloatTensor<B> {
    if x.dtype() != DType::F64 {
        return B::hard_sigmoid(x, alpha, beta);
    }
    let line = B::float_add_scalar(B::float_mul_scalar(x, alpha), beta);
    B::float_clamp(line, 0.0.into(), 1.0.into())
}
