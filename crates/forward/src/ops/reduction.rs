//! Products and running extrema along a dimension.

use burn_backend::ops::FloatTensorOps;
use burn_backend::tensor::{FloatTensor, IntTensor};
use burn_backend::{Backend, Shape, TensorMetadata, get_or_init_device_settings};

use crate::rules::selected;
use crate::{Dual, DualTensor, parts};

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

/// The product along `dim`.
pub(super) fn prod_dim<B: Backend>(x: DualTensor<B>, dim: usize) -> DualTensor<B> {
    match x.tangent {
        Some(_) => parts::prod_dim::<Dual<B>>(x, dim),
        None => DualTensor::constant(B::float_prod_dim(x.primal, dim)),
    }
}

/// The running product along `dim`.
pub(super) fn cumprod<B: Backend>(x: DualTensor<B>, dim: usize) -> DualTensor<B> {
    match x.tangent {
        Some(_) => parts::cumprod::<Dual<B>>(x, dim),
        None => DualTensor::constant(B::float_cumprod(x.primal, dim)),
    }
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
