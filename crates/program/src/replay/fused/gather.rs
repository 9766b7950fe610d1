//! Gathers that keep out of other operations' kernels.
//!
//! Burn's fusion (0.22) lets a gather that finds one element along a dimension into a kernel of tensors that have more of them
//! there, and then reads the indices of its neighbours: one loss a row, found beside a layer's activations, is another row's.
//! Only tensors of as many dimensions share a kernel, so such a gather is given more of them than other operations have.

use std::iter;

use burn::backend::Dispatch;
use burn_backend::{
    Shape,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
};
use burn_ir::{BaseOperationIr as Base, GatherOpIr, OperationIr};

use super::{Env, fuses, reshape};
use crate::{
    ProgramError,
    value::Value::{self, *},
};

/// The most dimensions that a tensor may have on such a device.
const RANK: usize = 8;

/// Runs `op` if it is such a gather.
pub(super) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let (OperationIr::BaseFloat(Base::Gather(d))
    | OperationIr::BaseInt(Base::Gather(d))
    | OperationIr::BaseBool(Base::Gather(d))) = op
    else {
        return None;
    };
    let ones = d.out.shape.iter().filter(|&&len| len == 1).count();
    // Two such gathers keep apart too, where one finds one element along more dimensions than the other.
    let rank = RANK.checked_sub(ones.checked_sub(1)?)?;
    let more = rank.checked_sub(d.out.shape.rank())?;
    fuses(e.device).then(|| Ok(apart(e, d, more)))
}

fn apart(e: &mut Env<Dispatch>, d: &GatherOpIr, more: usize) -> Value<Dispatch> {
    let tensor = reshape(e.take(&d.tensor), longer(&d.tensor.shape, more));
    let indices = e.int(&d.indices);
    let indices = Dispatch::int_reshape(indices, longer(&d.indices.shape, more));
    let dim = d.dim + more;
    let found = match tensor {
        Float(x) => Float(Dispatch::float_gather(dim, x, indices)),
        Int(x) => Int(Dispatch::int_gather(dim, x, indices)),
        Bool(x) => Bool(Dispatch::bool_gather(dim, x, indices)),
    };
    reshape(found, d.out.shape.clone())
}

/// `shape` with as many dimensions of one element before it.
fn longer(shape: &Shape, more: usize) -> Shape {
    let ones = iter::repeat_n(1, more);
    Shape::from(ones.chain(shape.iter().copied()).collect::<Vec<_>>())
}
