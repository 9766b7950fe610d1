//! The derivative of a one-dimensional convolution in groups in its weight.
//!
//! - Fault: `conv1d_weight_backward` of burn-backend is wrong where a stride leaves out the end of the input: its
//!   result for a group is longer than the kernel, and is not cut. Burn 0.22.1.
//! - Way round: the convolution as one in two dimensions, which is cut.
//! - It may go when `burn_still_does_not_cut_it`, below, fails.

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

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use burn::{
        backend::Dispatch,
        tensor::{Device, Tensor},
    };
    use burn_backend::ops::{ConvOptions, ModuleOps};

    /// When this fails, the way round is no longer needed.
    #[test]
    fn burn_still_does_not_cut_it() {
        let found = catch_unwind(|| {
            // burn-flex has one of its own.
            let device = Device::ndarray();
            let ones = |shape: [usize; 3]| Tensor::<3>::ones(shape, &device).into_dispatch();
            // Of six numbers, a kernel of three with a stride of two leaves out the last.
            let options = ConvOptions::new([2], [0], [1], 2);
            let (x, weight, grad) = (ones([1, 2, 6]), ones([2, 1, 3]), ones([1, 2, 2]));
            let weight = Dispatch::conv1d_weight_backward(x, weight, grad, options);
            Tensor::<3>::from_dispatch(weight).into_data()
        });
        let right = |found: burn::tensor::TensorData| found.iter::<f32>().eq([2.0; 6]);
        assert!(!found.is_ok_and(right));
    }
}
