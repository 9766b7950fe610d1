//! Reverse mode where burn-autodiff has no rule, or a poor one. It differentiates no reverse pass, so the transposes of
//! those are given here.

use std::fmt;

use burn_backend::{
    Shape, TensorMetadata,
    ops::{FloatTensorOps, IntTensorOps, ModuleOps},
    tensor::{FloatTensor, IntTensor},
};
use burn_ir::{
    FloatOperationIr as Float, InterpolateModeIr, ModuleOperationIr, OperationIr, TensorIr,
};

use crate::{
    ir::{environment::Env, error::ProgramError, operation::name, value::Value},
    quirks::slopes::{Inner, Reverse, with_pull},
};

/// Operations that burn-autodiff would not differentiate, or not well.
pub(crate) fn special(
    e: &mut Env<Reverse>,
    op: &OperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    match op {
        OperationIr::Module(op) => reverse(e, op),
        OperationIr::Float(_, op @ Float::GridSample2d(d))
            if d.options.mode != InterpolateModeIr::Bilinear =>
        {
            Some(unsupported(op, "it has no reverse-mode rule"))
        }
        _ => None,
    }
}

fn reverse(
    e: &mut Env<Reverse>,
    op: &ModuleOperationIr,
) -> Option<Result<Value<Reverse>, ProgramError>> {
    use ModuleOperationIr as Op;
    let value = match op {
        Op::LinearXBackward(d) => {
            let weight = Reverse::float_swap_dims(e.float(&d.weight), 0, 1);
            Reverse::linear(e.float(&d.output_grad), weight, None)
        }
        Op::LinearWeightBackward(d) => {
            let x = Reverse::float_swap_dims(rows(e.float(&d.x)), 0, 1);
            Reverse::float_matmul(x, rows(e.float(&d.output_grad)))
        }
        Op::LinearBiasBackward(d) => {
            let sum = Reverse::float_sum_dim(rows(e.float(&d.output_grad)), 0);
            Reverse::float_reshape(sum, d.out.shape.clone())
        }
        Op::EmbeddingBackward(d) => {
            let (weights, indices) = (inner(e, &d.weights), e.int(&d.indices));
            let forward = |g| Inner::embedding_backward(weights, g, indices.clone());
            let again = indices.clone();
            let back = move |u| Inner::embedding(u, again.clone());
            linear(e.float(&d.out_grad), forward, back)
        }
        Op::AvgPool1dBackward(d) => {
            let (x, kernel, stride, padding) = (inner(e, &d.x), d.kernel_size, d.stride, d.padding);
            let (count, ceil) = (d.count_include_pad, d.ceil_mode);
            let forward =
                |g| Inner::avg_pool1d_backward(x, g, kernel, stride, padding, count, ceil);
            let back = move |u| Inner::avg_pool1d(u, kernel, stride, padding, count, ceil);
            linear(e.float(&d.grad), forward, back)
        }
        Op::AvgPool2dBackward(d) => {
            let (x, kernel, stride, padding) = (inner(e, &d.x), d.kernel_size, d.stride, d.padding);
            let (count, ceil) = (d.count_include_pad, d.ceil_mode);
            let forward =
                |g| Inner::avg_pool2d_backward(x, g, kernel, stride, padding, count, ceil);
            let back = move |u| Inner::avg_pool2d(u, kernel, stride, padding, count, ceil);
            linear(e.float(&d.grad), forward, back)
        }
        Op::AdaptiveAvgPool1dBackward(d) => {
            let (x, size) = (inner(e, &d.x), d.grad.shape[2]);
            let forward = |g| Inner::adaptive_avg_pool1d_backward(x, g);
            linear(e.float(&d.grad), forward, move |u| {
                Inner::adaptive_avg_pool1d(u, size)
            })
        }
        Op::AdaptiveAvgPool2dBackward(d) => {
            let (x, shape) = (inner(e, &d.x), &d.grad.shape);
            let size = [shape[2], shape[3]];
            let forward = |g| Inner::adaptive_avg_pool2d_backward(x, g);
            linear(e.float(&d.grad), forward, move |u| {
                Inner::adaptive_avg_pool2d(u, size)
            })
        }
        Op::AdaptiveAvgPool3dBackward(d) => {
            let (x, shape) = (inner(e, &d.x), &d.grad.shape);
            let size = [shape[2], shape[3], shape[4]];
            let forward = |g| Inner::adaptive_avg_pool3d_backward(x, g);
            linear(e.float(&d.grad), forward, move |u| {
                Inner::adaptive_avg_pool3d(u, size)
            })
        }
        Op::MaxPool1dWithIndicesBackward(d) => {
            let (x, indices) = (inner(e, &d.x), e.int(&d.indices));
            let taken = indices.clone();
            let forward = |g| {
                let (kernel, stride, padding) = (d.kernel_size, d.stride, d.padding);
                let (dilation, ceil) = (d.dilation, d.ceil_mode);
                Inner::max_pool1d_with_indices_backward(
                    x, kernel, stride, padding, dilation, ceil, g, indices,
                )
                .x_grad
            };
            linear(e.float(&d.grad), forward, move |u| take(u, taken.clone()))
        }
        Op::MaxPool2dWithIndicesBackward(d) => {
            let (x, indices) = (inner(e, &d.x), e.int(&d.indices));
            let taken = indices.clone();
            let forward = |g| {
                let (kernel, stride, padding) = (d.kernel_size, d.stride, d.padding);
                let (dilation, ceil) = (d.dilation, d.ceil_mode);
                Inner::max_pool2d_with_indices_backward(
                    x, kernel, stride, padding, dilation, ceil, g, indices,
                )
                .x_grad
            };
            linear(e.float(&d.grad), forward, move |u| take(u, taken.clone()))
        }
        Op::InterpolateBackward(d) => {
            let (x, size) = (inner(e, &d.x), d.output_size);
            let options = || d.options.clone().into();
            let (there, back) = (options(), options());
            let forward = |g| Inner::interpolate_backward(x, g, size, there);
            linear(e.float(&d.grad), forward, move |u| {
                Inner::interpolate(u, size, back.clone())
            })
        }
        _ => return None,
    };
    Some(Ok(Value::Float(value)))
}

fn unsupported(op: &impl fmt::Debug, reason: &'static str) -> Result<Value<Reverse>, ProgramError> {
    Err(ProgramError::Unsupported {
        operation: name(op),
        reason,
        place: None,
    })
}

/// The tensor without its history: an operand that matters by its shape alone, or whose derivative is zero.
fn inner(e: &mut Env<Reverse>, tensor: &TensorIr) -> FloatTensor<Inner> {
    e.float(tensor).into_primitive()
}

/// All but the last dimension in one.
fn rows(tensor: FloatTensor<Reverse>) -> FloatTensor<Reverse> {
    let shape = tensor.shape();
    let last = shape[shape.num_dims() - 1];
    let rows = shape.num_elements() / last.max(1);
    Reverse::float_reshape(tensor, Shape::new([rows, last]))
}

/// What max pooling took: the elements of `tensor` at `indices` that count within an image.
fn take(tensor: FloatTensor<Inner>, indices: IntTensor<Inner>) -> FloatTensor<Inner> {
    let (shape, out) = (tensor.shape(), indices.shape());
    let flat = |shape: &Shape| {
        let images = shape[0] * shape[1];
        Shape::new([images, shape.num_elements() / images.max(1)])
    };
    let tensor = Inner::float_reshape(tensor, flat(&shape));
    let indices = Inner::int_reshape(indices, flat(&out));
    Inner::float_reshape(Inner::float_gather(1, tensor, indices), out)
}

/// A linear map with a transpose that is known.
fn linear(
    x: FloatTensor<Reverse>,
    forward: impl FnOnce(FloatTensor<Inner>) -> FloatTensor<Inner>,
    transpose: impl Fn(FloatTensor<Inner>) -> FloatTensor<Inner> + Send + Sync + 'static,
) -> FloatTensor<Reverse> {
    with_pull(x, |x| (forward(x), transpose))
}
