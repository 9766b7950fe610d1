//! The vectors of outer products, as rows of a matrix.

use burn::{
    Tensor,
    backend::{Dispatch, DispatchTensor, Slice, TensorMetadata, ops::FloatTensorOps},
    tensor::Shape,
};
use burn_ir::TensorIr;

/// Vectors in a tensor.
#[derive(Clone, Debug)]
pub(super) struct OuterVectors {
    pub tensor: TensorIr,
    pub form: Form,
}

impl PartialEq for OuterVectors {
    fn eq(&self, other: &Self) -> bool {
        self.tensor.id == other.tensor.id && self.form == other.form
    }
}

/// How the vectors lie in the tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Along the last axis, of this length.
    Rows(usize),
    /// Along the last axis but one, this one; `[.., length, R]`.
    Columns(usize),
    /// The channels of every pixel of `[batch, channels, ..]`.
    Pixels,
    /// What every pixel of a convolution's result sees of its input, `[batch, channels, height, width]`; without a
    /// height in a convolution of one dimension.
    Windows(Window),
}

/// What a convolution's result sees of its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub padding: [(usize, usize); 2],
    pub dilation: [usize; 2],
    /// Height and width of the result.
    pub out: [usize; 2],
}

impl OuterVectors {
    /// The vectors as rows, `[R, length]`, of the tensor's value.
    pub fn rows(&self, tensor: DispatchTensor) -> DispatchTensor {
        let shape = tensor.shape();
        let count = shape.num_elements();
        match &self.form {
            Form::Rows(length) => reshape(tensor, [count / length, *length]),
            Form::Columns(length) => {
                let matrix = reshape(tensor, [*length, count / length]);
                Dispatch::float_swap_dims(matrix, 0, 1)
            }
            Form::Pixels => {
                let [batch, channels] = [shape[0], shape[1]];
                let pixels = count / (batch * channels);
                let planes: Tensor<3> =
                    Tensor::from_dispatch(reshape(tensor, [batch, channels, pixels]));
                let rows = planes.swap_dims(1, 2);
                rows.reshape([batch * pixels, channels]).into_dispatch()
            }
            Form::Windows(window) => {
                let planes = match shape.num_dims() {
                    3 => [shape[0], shape[1], 1, shape[2]],
                    _ => [shape[0], shape[1], shape[2], shape[3]],
                };
                window.rows(Tensor::from_dispatch(reshape(tensor, planes)))
            }
        }
    }
}

impl Window {
    /// `[batch pixels, channels kernel]` of `[batch, channels, height, width]`.
    fn rows(&self, planes: Tensor<4>) -> DispatchTensor {
        let padded = self.pad(planes);
        let [batch, channels, ..] = padded.dims();
        let ([high, wide], [rows, columns]) = (self.kernel, self.out);
        let along = |axis: usize, at: usize| {
            let start = at * self.dilation[axis];
            let end = start + (self.out[axis] - 1) * self.stride[axis] + 1;
            Slice::new(
                start as isize,
                Some(end as isize),
                self.stride[axis] as isize,
            )
        };
        let mut seen = Vec::with_capacity(high * wide);
        for i in 0..high {
            for j in 0..wide {
                let all = Slice::from(..);
                let part = padded.clone().slice([all, all, along(0, i), along(1, j)]);
                seen.push(part.reshape([batch, channels, 1, rows * columns]));
            }
        }
        let seen = Tensor::cat(seen, 2).permute([0, 3, 1, 2]);
        let length = channels * high * wide;
        seen.reshape([batch * rows * columns, length])
            .into_dispatch()
    }

    fn pad(&self, mut planes: Tensor<4>) -> Tensor<4> {
        for (axis, (before, after)) in self.padding.into_iter().enumerate() {
            let zeros = |count: usize| {
                let mut shape = planes.dims();
                shape[axis + 2] = count;
                (count > 0).then(|| Tensor::zeros(shape, (&planes.device(), planes.dtype())))
            };
            let parts = [zeros(before), Some(planes.clone()), zeros(after)];
            let parts: Vec<_> = parts.into_iter().flatten().collect();
            if parts.len() > 1 {
                planes = Tensor::cat(parts, axis + 2);
            }
        }
        planes
    }
}

fn reshape<const D: usize>(tensor: DispatchTensor, shape: [usize; D]) -> DispatchTensor {
    Dispatch::float_reshape(tensor, Shape::new(shape))
}
