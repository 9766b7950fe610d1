//! Matrix products in 16 bits.

use burn_backend::{Backend, DType, Scalar, Shape, TensorMetadata, tensor::FloatTensor};

use crate::ir::half_precision::Half;

/// Below this a largest element counts as zero; its reciprocal is still a number of 32 bits.
const LEAST: f64 = 1e-30;
/// Terms of at most 1 whose sum F16 can hold, up to 65,504.
const TERMS: usize = 1 << 15;

/// The product of two factors of 32 bits, which are rounded to `half`, and so is their product.
pub(crate) fn product<B: Backend>(
    lhs: FloatTensor<B>,
    rhs: FloatTensor<B>,
    half: Half,
) -> FloatTensor<B> {
    let rounded = |lhs, rhs| {
        let small = |x| B::float_cast(x, half.dtype().into());
        B::float_cast(B::float_matmul(small(lhs), small(rhs)), DType::F32.into())
    };
    match half {
        Half::BF16 => rounded(lhs, rhs),
        // F16 has no room for the cotangents of a mean over many examples: factors go in with a largest element of 1.
        Half::F16 => {
            let dims = lhs.shape();
            let terms = dims[dims.num_dims() - 1];
            let room = terms.div_ceil(TERMS).max(1) as f64;
            let (left, right) = (largest::<B>(&lhs, room), largest::<B>(&rhs, 1.0));
            let product = rounded(
                B::float_div(lhs, left.clone()),
                B::float_div(rhs, right.clone()),
            );
            B::float_mul(product, B::float_mul(left, right))
        }
    }
}

/// The largest magnitude times `room`, in a shape that goes with `x`.
fn largest<B: Backend>(x: &FloatTensor<B>, room: f64) -> FloatTensor<B> {
    let ones = Shape::from(vec![1; x.shape().num_dims()]);
    let largest = B::float_max(B::float_abs(x.clone()));
    let largest = B::float_clamp_min(B::float_reshape(largest, ones), Scalar::from(LEAST));
    if room == 1.0 {
        return largest;
    }
    B::float_mul_scalar(largest, Scalar::from(room))
}
