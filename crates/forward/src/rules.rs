//! The rules by kind. An operation whose inputs are all constants is issued once, on the inner
//! backend, and nothing else is.

use burn_backend::tensor::{FloatTensor, IntTensor};
use burn_backend::{
    Backend, BoolDType, IntDType, Shape, TensorMetadata, get_or_init_device_settings,
};

use crate::DualTensor;
use crate::error::unsupported;

/// A linear operation of one tensor: the same on the tangent.
pub(crate) fn linear<B: Backend>(
    x: DualTensor<B>,
    op: impl Fn(FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let primal = op(x.primal);
    DualTensor::join(primal, x.tangent.map(op))
}

/// An operation whose derivative moves the tangent unchanged, such as adding a constant.
pub(crate) fn shifted<B: Backend>(
    x: DualTensor<B>,
    op: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    DualTensor::join(op(x.primal), x.tangent)
}

/// A nonlinear operation whose rule maps (input, tangent) to the output's tangent.
pub(crate) fn by_input<B: Backend>(
    x: DualTensor<B>,
    op: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
    rule: impl FnOnce(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    match x.tangent {
        Some(tangent) => {
            let primal = op(x.primal.clone());
            DualTensor::new(primal, rule(x.primal, tangent))
        }
        None => DualTensor::constant(op(x.primal)),
    }
}

/// A nonlinear operation whose rule maps (output, tangent) to the output's tangent.
pub(crate) fn by_output<B: Backend>(
    x: DualTensor<B>,
    op: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
    rule: impl FnOnce(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let primal = op(x.primal);
    let tangent = x.tangent.map(|tangent| rule(primal.clone(), tangent));
    DualTensor::join(primal, tangent)
}

/// An operation linear in each of its two tensors: the product rule.
pub(crate) fn bilinear<B: Backend>(
    lhs: DualTensor<B>,
    rhs: DualTensor<B>,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    if lhs.tangent.is_none() && rhs.tangent.is_none() {
        return DualTensor::constant(op(lhs.primal, rhs.primal));
    }
    let primal = op(lhs.primal.clone(), rhs.primal.clone());
    DualTensor::join(primal, product_rule(lhs, rhs, op))
}

/// An operation linear in `moving` in which the tangent of `fixed` counts for nothing: it gives its
/// shape, or the places where a derivative stops.
pub(crate) fn linear_beside<B: Backend>(
    fixed: DualTensor<B>,
    moving: DualTensor<B>,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    match moving.tangent {
        Some(tangent) => {
            let primal = op(fixed.primal.clone(), moving.primal);
            DualTensor::new(primal, op(fixed.primal, tangent))
        }
        None => DualTensor::constant(op(fixed.primal, moving.primal)),
    }
}

/// The tangent of an operation linear in each of its two tensors.
pub(crate) fn product_rule<B: Backend>(
    lhs: DualTensor<B>,
    rhs: DualTensor<B>,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> Option<FloatTensor<B>> {
    match (lhs.tangent, rhs.tangent) {
        (Some(dlhs), Some(drhs)) => Some(B::float_add(op(dlhs, rhs.primal), op(lhs.primal, drhs))),
        (Some(dlhs), None) => Some(op(dlhs, rhs.primal)),
        (None, Some(drhs)) => Some(op(lhs.primal, drhs)),
        (None, None) => None,
    }
}

/// An operation linear in each of `x` and `weight`, and in the bias that is added along dimension
/// `bias_dim` of the output.
pub(crate) fn affine<B: Backend>(
    x: DualTensor<B>,
    weight: DualTensor<B>,
    bias: Option<DualTensor<B>>,
    bias_dim: impl FnOnce(&Shape) -> usize,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let (bias, dbias) = match bias {
        Some(bias) => (Some(bias.primal), bias.tangent),
        None => (None, None),
    };
    if x.tangent.is_none() && weight.tangent.is_none() {
        let primal = op(x.primal, weight.primal, bias);
        let tangent = dbias.map(|dbias| {
            let shape = primal.shape();
            let dim = bias_dim(&shape);
            spread::<B>(dbias, dim, shape)
        });
        return DualTensor::join(primal, tangent);
    }
    let primal = op(x.primal.clone(), weight.primal.clone(), bias);
    // The bias' tangent rides along with one of the two products.
    let tangent = match (x.tangent, weight.tangent) {
        (Some(dx), Some(dweight)) => {
            B::float_add(op(dx, weight.primal, None), op(x.primal, dweight, dbias))
        }
        (Some(dx), None) => op(dx, weight.primal, dbias),
        (None, Some(dweight)) => op(x.primal, dweight, dbias),
        (None, None) => unreachable!("one of the two has a tangent"),
    };
    DualTensor::new(primal, tangent)
}

/// An operation that takes values of its input along `dim`, and reports where: the tangent is
/// gathered there.
pub(crate) fn selection<B: Backend>(
    x: DualTensor<B>,
    dim: usize,
    op: impl FnOnce(FloatTensor<B>) -> (FloatTensor<B>, IntTensor<B>),
) -> (DualTensor<B>, IntTensor<B>) {
    let (primal, indices) = op(x.primal);
    let tangent = x
        .tangent
        .map(|tangent| B::float_gather(dim, tangent, indices.clone()));
    (DualTensor::join(primal, tangent), indices)
}

/// [`selection`] by `with_indices` where a tangent wants the indices, by `plain` where none does.
pub(crate) fn selected<B: Backend>(
    x: DualTensor<B>,
    dim: usize,
    plain: impl FnOnce(FloatTensor<B>) -> FloatTensor<B>,
    with_indices: impl FnOnce(FloatTensor<B>, IntDType) -> (FloatTensor<B>, IntTensor<B>),
) -> DualTensor<B> {
    if x.tangent.is_none() {
        return DualTensor::constant(plain(x.primal));
    }
    let dtype = int_dtype::<B>(&x.primal);
    selection(x, dim, |primal| with_indices(primal, dtype)).0
}

/// The primal of a tensor that goes into an operation without a rule.
pub(crate) fn without_tangent<B: Backend>(
    x: DualTensor<B>,
    operation: &'static str,
) -> FloatTensor<B> {
    match x.tangent {
        Some(_) => unsupported(operation),
        None => x.primal,
    }
}

/// Broadcasts a tangent to the shape of its output.
pub(crate) fn expand_to<B: Backend>(tangent: FloatTensor<B>, shape: Shape) -> FloatTensor<B> {
    if tangent.shape() == shape {
        tangent
    } else {
        B::float_expand(tangent, shape)
    }
}

/// Broadcasts a vector to `shape` along every dimension but `dim`.
fn spread<B: Backend>(vector: FloatTensor<B>, dim: usize, shape: Shape) -> FloatTensor<B> {
    let mut along = vec![1; shape.num_dims()];
    along[dim] = shape[dim];
    expand_to::<B>(B::float_reshape(vector, Shape::from(along)), shape)
}

/// A zero tangent, for the operations that need one beside another.
pub(crate) fn zeros_like<B: Backend>(x: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(x.shape(), &x.device(), x.dtype().into())
}

/// The data type of masks on the device of `x`.
pub(crate) fn bool_dtype<B: Backend>(x: &FloatTensor<B>) -> BoolDType {
    get_or_init_device_settings::<B>(&x.device()).bool_dtype
}

/// The data type of indices on the device of `x`.
pub(crate) fn int_dtype<B: Backend>(x: &FloatTensor<B>) -> IntDType {
    get_or_init_device_settings::<B>(&x.device()).int_dtype
}
