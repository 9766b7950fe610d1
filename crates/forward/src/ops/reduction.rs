//! Products and running extrema along a dimension.

use burn_backend::ops::FloatTensorOps;
use burn_backend::tensor::{FloatTensor, IntTensor};
use burn_backend::{Backend, Shape, Slice, TensorMetadata, get_or_init_device_settings};

use crate::rules::selected;
use crate::{Dual, DualTensor};

/// The whole tensor as one vector.
pub(super) fn flat<B: Backend>(x: DualTensor<B>) -> DualTensor<B> {
    let elements = x.shape().num_elements();
    Dual::float_reshape(x, Shape::new([elements]))
}

/// An extremum of the whole tensor: `plain` where nothing moves, a selection along the flattened
/// tensor where something does.
pub(super) fn extremum<B: Backend>(
    x: DualTensor<B>,
    plain: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
    along_dim: impl FnOnce(DualTensor<B>) -> DualTensor<B>,
) -> DualTensor<B> {
    match x.tangent {
        Some(_) => along_dim(flat(x)),
        None => DualTensor::constant(plain(x.primal)),
    }
}

/// The product along `dim`, by multiplying halves: exact at zeros, to every order.
pub(super) fn prod_dim<B: Backend>(x: DualTensor<B>, dim: usize) -> DualTensor<B> {
    if x.tangent.is_none() {
        return DualTensor::constant(B::float_prod_dim(x.primal, dim));
    }
    let mut x = x;
    let mut leftover: Option<DualTensor<B>> = None;
    loop {
        let length = x.shape()[dim];
        if length == 0 {
            // An empty product is the constant one.
            return DualTensor::constant(B::float_prod_dim(x.primal, dim));
        }
        if length == 1 {
            return match leftover {
                Some(leftover) => Dual::float_mul(x, leftover),
                None => x,
            };
        }
        let half = length / 2;
        if length % 2 == 1 {
            let last = narrow(x.clone(), dim, length - 1, length);
            leftover = Some(match leftover {
                Some(leftover) => Dual::float_mul(leftover, last),
                None => last,
            });
        }
        x = Dual::float_mul(
            narrow(x.clone(), dim, 0, half),
            narrow(x, dim, half, 2 * half),
        );
    }
}

/// The running product along `dim`, by doubling windows: exact at zeros, to every order.
pub(super) fn cumprod<B: Backend>(x: DualTensor<B>, dim: usize) -> DualTensor<B> {
    if x.tangent.is_none() {
        return DualTensor::constant(B::float_cumprod(x.primal, dim));
    }
    let length = x.shape()[dim];
    let mut x = x;
    let mut window = 1;
    while window < length {
        let done = narrow(x.clone(), dim, 0, window);
        let rest = Dual::float_mul(
            narrow(x.clone(), dim, window, length),
            narrow(x, dim, 0, length - window),
        );
        x = Dual::float_cat(vec![done, rest], dim);
        window *= 2;
    }
    x
}

/// A running extremum along `dim`, computed by `op`: the tangent of the latest element that set it.
pub(super) fn running<B: Backend>(
    x: DualTensor<B>,
    dim: usize,
    op: impl Fn(FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    selected(x, dim, &op, |x, _| {
        let extremum = op(x.clone());
        let indices = latest::<B>(x, extremum.clone(), dim);
        (extremum, indices)
    })
}

/// For each element the position along `dim` of the latest one that equals its running extremum.
fn latest<B: Backend>(x: FloatTensor<B>, extremum: FloatTensor<B>, dim: usize) -> IntTensor<B> {
    let shape = x.shape();
    let device = x.device();
    let settings = get_or_init_device_settings::<B>(&device);
    let mut along = vec![1; shape.num_dims()];
    along[dim] = shape[dim];

    let positions = B::int_arange(0..shape[dim] as i64, &device, settings.int_dtype);
    let positions = B::int_expand(B::int_reshape(positions, Shape::from(along)), shape);
    let below = B::float_not_equal(x, extremum, settings.bool_dtype);
    B::int_cummax(B::int_mask_fill(positions, below, 0.into()), dim)
}

/// Elements `start..end` along `dim`.
fn narrow<B: Backend>(x: DualTensor<B>, dim: usize, start: usize, end: usize) -> DualTensor<B> {
    let mut slices: Vec<Slice> = x.shape().iter().map(|&size| Slice::from(0..size)).collect();
    slices[dim] = Slice::from(start..end);
    Dual::float_slice(x, &slices)
}
