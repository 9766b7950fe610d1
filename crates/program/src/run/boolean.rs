//! Operations whose main operand is a bool tensor.

use burn_backend::{Backend, tensor::IndexingUpdateOp};
use burn_ir::{BaseOperationIr, BoolOperationIr};

use crate::{
    ir::{
        environment::Env,
        error::ProgramError,
        value::Value::{self, *},
    },
    quirks::bool_indexing::{bool_gather, bool_select},
};

/// Shapes, indexing, masks and creation.
pub(crate) fn base<B: Backend>(
    e: &mut Env<B>,
    op: &BaseOperationIr,
) -> Result<Value<B>, ProgramError> {
    use BaseOperationIr as Op;
    Ok(match op {
        Op::Reshape(d) => Bool(B::bool_reshape(e.bool(&d.input), d.out.shape.clone())),
        Op::SwapDims(d) => Bool(B::bool_swap_dims(e.bool(&d.input), d.dim1, d.dim2)),
        Op::Permute(d) => Bool(B::bool_permute(e.bool(&d.input), &d.axes)),
        Op::Flip(d) => Bool(B::bool_flip(e.bool(&d.input), &d.axes)),
        Op::Expand(d) => Bool(B::bool_expand(e.bool(&d.input), d.out.shape.clone())),
        Op::Unfold(d) => Bool(B::bool_unfold(e.bool(&d.input), d.dim, d.size, d.step)),
        Op::Slice(d) => Bool(B::bool_slice(e.bool(&d.tensor), &d.ranges)),
        Op::SliceAssign(d) => Bool(B::bool_slice_assign(
            e.bool(&d.tensor),
            &d.ranges,
            e.bool(&d.value),
        )),
        Op::Gather(d) => Bool(bool_gather::<B>(
            d.dim,
            e.bool(&d.tensor),
            e.int(&d.indices),
        )),
        Op::Scatter(d) if d.update == IndexingUpdateOp::Add => Bool(B::bool_scatter_or(
            d.dim,
            e.bool(&d.tensor),
            e.int(&d.indices),
            e.bool(&d.value),
        )),
        Op::Select(d) => Bool(bool_select::<B>(
            e.bool(&d.tensor),
            d.dim,
            e.int(&d.indices),
        )),
        Op::SelectAssign(d) if d.update == IndexingUpdateOp::Add => Bool(B::bool_select_or(
            e.bool(&d.tensor),
            d.dim,
            e.int(&d.indices),
            e.bool(&d.value),
        )),
        Op::MaskWhere(d) => Bool(B::bool_mask_where(
            e.bool(&d.tensor),
            e.bool(&d.mask),
            e.bool(&d.value),
        )),
        Op::MaskFill(d) => Bool(B::bool_mask_fill(
            e.bool(&d.tensor),
            e.bool(&d.mask),
            d.value.into(),
        )),
        Op::Equal(d) => Bool(B::bool_equal(e.bool(&d.lhs), e.bool(&d.rhs))),
        Op::EqualElem(d) => Bool(B::bool_equal_elem(e.bool(&d.lhs), d.rhs.into())),
        Op::RepeatDim(d) => Bool(B::bool_repeat_dim(e.bool(&d.tensor), d.dim, d.times)),
        Op::Cat(d) => Bool(B::bool_cat(
            d.tensors.iter().map(|t| e.bool(t)).collect(),
            d.dim,
        )),
        Op::Scatter(_) | Op::SelectAssign(_) | Op::ScatterNd(_) | Op::GatherNd(_) | Op::Cast(_) => {
            return Err(ProgramError::not_replayed(op));
        }
        Op::Empty(d) => Bool(B::bool_empty(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Zeros(d) => Bool(B::bool_zeros(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Ones(d) => Bool(B::bool_ones(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::NotEqual(d) => Bool(B::bool_not_equal(e.bool(&d.lhs), e.bool(&d.rhs))),
        Op::NotEqualElem(d) => Bool(B::bool_not_equal_elem(e.bool(&d.lhs), d.rhs.into())),
        Op::All(d) => Bool(B::bool_all(e.bool(&d.input))),
        Op::Any(d) => Bool(B::bool_any(e.bool(&d.input))),
        Op::AllDim(d) => Bool(B::bool_all_dim(e.bool(&d.input), d.axis)),
        Op::AnyDim(d) => Bool(B::bool_any_dim(e.bool(&d.input), d.axis)),
    })
}

/// Logic and casts.
pub(crate) fn boolean<B: Backend>(
    e: &mut Env<B>,
    op: &BoolOperationIr,
) -> Result<Value<B>, ProgramError> {
    use BoolOperationIr as Op;
    Ok(match op {
        Op::IntoFloat(d) => Float(B::bool_into_float(e.bool(&d.input), d.out.dtype.into())),
        Op::IntoInt(d) => Int(B::bool_into_int(e.bool(&d.input), d.out.dtype.into())),
        Op::Not(d) => Bool(B::bool_not(e.bool(&d.input))),
        Op::And(d) => Bool(B::bool_and(e.bool(&d.lhs), e.bool(&d.rhs))),
        Op::Or(d) => Bool(B::bool_or(e.bool(&d.lhs), e.bool(&d.rhs))),
        Op::Xor(d) => Bool(B::bool_xor(e.bool(&d.lhs), e.bool(&d.rhs))),
    })
}
