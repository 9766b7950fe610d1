//! Assembling a tensor from parts of which only some may have a tangent.

use burn_backend::tensor::{BoolTensor, FloatTensor, IndexingUpdateOp};
use burn_backend::{Backend, TensorMetadata};

use crate::DualTensor;
use crate::error::unsupported;
use crate::rules::{expand_to, zeros_like};

/// Concatenation.
pub(super) fn cat<B: Backend>(tensors: Vec<DualTensor<B>>, dim: usize) -> DualTensor<B> {
    let moving = tensors.iter().any(|tensor| tensor.tangent.is_some());
    let tangents = moving.then(|| {
        tensors
            .iter()
            .map(|x| {
                x.tangent
                    .clone()
                    .unwrap_or_else(|| zeros_like::<B>(&x.primal))
            })
            .collect()
    });
    let primals = tensors.into_iter().map(|tensor| tensor.primal).collect();
    let primal = B::float_cat(primals, dim);
    DualTensor::join(primal, tangents.map(|tangents| B::float_cat(tangents, dim)))
}

/// `value` where the mask is true, `x` elsewhere.
pub(super) fn mask_where<B: Backend>(
    x: DualTensor<B>,
    mask: BoolTensor<B>,
    value: DualTensor<B>,
) -> DualTensor<B> {
    if x.tangent.is_none() && value.tangent.is_none() {
        return DualTensor::constant(B::float_mask_where(x.primal, mask, value.primal));
    }
    let primal = B::float_mask_where(x.primal, mask.clone(), value.primal);
    let tangent = choose::<B>(x.tangent, mask, value.tangent, &primal);
    DualTensor::join(primal, tangent)
}

/// The tangent of a choice with the output `like`.
pub(super) fn choose<B: Backend>(
    dx: Option<FloatTensor<B>>,
    mask: BoolTensor<B>,
    dvalue: Option<FloatTensor<B>>,
    like: &FloatTensor<B>,
) -> Option<FloatTensor<B>> {
    match (dx, dvalue) {
        (Some(dx), Some(dvalue)) => Some(B::float_mask_where(dx, mask, dvalue)),
        (Some(dx), None) => {
            let dx = expand_to::<B>(dx, like.shape());
            Some(B::float_mask_fill(dx, mask, 0.0.into()))
        }
        (None, Some(dvalue)) => Some(B::float_mask_where(zeros_like::<B>(like), mask, dvalue)),
        (None, None) => None,
    }
}

/// Writes `value` into `x` by `op`, which is linear in both.
pub(super) fn assign<B: Backend>(
    x: DualTensor<B>,
    value: DualTensor<B>,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    let tangent = match (x.tangent, value.tangent) {
        (Some(dx), Some(dvalue)) => Some((dx, dvalue)),
        (Some(dx), None) => Some((dx, zeros_like::<B>(&value.primal))),
        (None, Some(dvalue)) => Some((zeros_like::<B>(&x.primal), dvalue)),
        (None, None) => None,
    };
    let primal = op(x.primal, value.primal);
    DualTensor::join(primal, tangent.map(|(dx, dvalue)| op(dx, dvalue)))
}

/// Updates `x` at some indices with `value`, by an `op` named `operation`.
pub(super) fn update<B: Backend>(
    x: DualTensor<B>,
    value: DualTensor<B>,
    update: IndexingUpdateOp,
    operation: &'static str,
    op: impl Fn(FloatTensor<B>, FloatTensor<B>) -> FloatTensor<B>,
) -> DualTensor<B> {
    match (update, &x.tangent, &value.tangent) {
        (_, None, None) => DualTensor::constant(op(x.primal, value.primal)),
        (IndexingUpdateOp::Assign, _, _) | (IndexingUpdateOp::Add, _, Some(_)) => {
            assign(x, value, op)
        }
        (IndexingUpdateOp::Add, _, None) => DualTensor::join(op(x.primal, value.primal), x.tangent),
        (IndexingUpdateOp::Mul, Some(dx), None) => {
            let tangent = op(dx.clone(), value.primal.clone());
            DualTensor::new(op(x.primal, value.primal), tangent)
        }
        (IndexingUpdateOp::Mul | IndexingUpdateOp::Min | IndexingUpdateOp::Max, _, _) => {
            unsupported(operation)
        }
    }
}
