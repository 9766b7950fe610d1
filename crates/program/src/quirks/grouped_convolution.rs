//! The derivative of a one-dimensional convolution in groups in its weight.
//!
//! - Fault: `conv1d_weight_backward` of burn-backend is wrong where a stride leaves out the end of the input: its
//!   result for a group is longer than the kernel, and is not cut. Burn 0.22.1.
//! - Way round: the convolution as one in two dimensions, which is cut.
//! - It may go when random programs of sequences (`tests/tests/across/random_programs`) agree on burn-ndarray without
//!   it: burn-flex has a derivative of its own.

use burn_backend::{Backend, TensorMetadata, ops::ConvOptions, tensor::FloatTensor};
use burn_ir::Conv1dOptionsIr;

/// The derivative of a convolution in groups in its weight, as one in two dimensions. Burn's own in one dimension is
/// wrong where a stride leaves out the end of the input: its result for a group is longer than the kernel, and is not
/// cut.
pub(crate) fn grouped_weight_backward<B: Backend>(
    x: FloatTensor<B>,
    weight: FloatTensor<B>,
    grad: FloatTensor<B>,
    options: &Conv1dOptionsIr,
) -> FloatTensor<B> {
    let shape = weight.shape();
    let [x, weight, grad] = [x, weight, grad].map(|tensor| {
        let mut shape = tensor.shape().to_vec();
        shape.push(1);
        B::float_reshape(tensor, shape.into())
    });
    let options = ConvOptions::new_with_padding(
        [options.stride[0], 1],
        [options.padding[0], (0, 0)],
        [options.dilation[0], 1],
        options.groups,
    );
    B::float_reshape(B::conv2d_weight_backward(x, weight, grad, options), shape)
}
