//! Operations whose main operand is an int tensor.

use burn_backend::Backend;
use burn_ir::{BaseOperationIr, IntOperationIr, NumericOperationIr};

use crate::ir::{
    environment::Env,
    error::ProgramError,
    value::Value::{self, *},
};

/// Shapes, indexing, masks and creation.
pub(crate) fn base<B: Backend>(
    e: &mut Env<B>,
    op: &BaseOperationIr,
) -> Result<Value<B>, ProgramError> {
    use BaseOperationIr as Op;
    Ok(match op {
        Op::Reshape(d) => Int(B::int_reshape(e.int(&d.input), d.out.shape.clone())),
        Op::SwapDims(d) => Int(B::int_swap_dims(e.int(&d.input), d.dim1, d.dim2)),
        Op::Permute(d) => Int(B::int_permute(e.int(&d.input), &d.axes)),
        Op::Flip(d) => Int(B::int_flip(e.int(&d.input), &d.axes)),
        Op::Expand(d) => Int(B::int_expand(e.int(&d.input), d.out.shape.clone())),
        Op::Unfold(d) => Int(B::int_unfold(e.int(&d.input), d.dim, d.size, d.step)),
        Op::Slice(d) => Int(B::int_slice(e.int(&d.tensor), &d.ranges)),
        Op::SliceAssign(d) => Int(B::int_slice_assign(
            e.int(&d.tensor),
            &d.ranges,
            e.int(&d.value),
        )),
        Op::Gather(d) => Int(B::int_gather(d.dim, e.int(&d.tensor), e.int(&d.indices))),
        Op::Scatter(d) => Int(B::int_scatter(
            d.dim,
            e.int(&d.tensor),
            e.int(&d.indices),
            e.int(&d.value),
            d.update,
        )),
        Op::ScatterNd(d) => Int(B::int_scatter_nd(
            e.int(&d.data),
            e.int(&d.indices),
            e.int(&d.values),
            d.reduction,
        )),
        Op::GatherNd(d) => Int(B::int_gather_nd(e.int(&d.data), e.int(&d.indices))),
        Op::Select(d) => Int(B::int_select(e.int(&d.tensor), d.dim, e.int(&d.indices))),
        Op::SelectAssign(d) => Int(B::int_select_assign(
            e.int(&d.tensor),
            d.dim,
            e.int(&d.indices),
            e.int(&d.value),
            d.update,
        )),
        Op::MaskWhere(d) => Int(B::int_mask_where(
            e.int(&d.tensor),
            e.bool(&d.mask),
            e.int(&d.value),
        )),
        Op::MaskFill(d) => Int(B::int_mask_fill(
            e.int(&d.tensor),
            e.bool(&d.mask),
            d.value.into(),
        )),
        Op::Equal(d) => Bool(B::int_equal(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::EqualElem(d) => Bool(B::int_equal_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::RepeatDim(d) => Int(B::int_repeat_dim(e.int(&d.tensor), d.dim, d.times)),
        Op::Cat(d) => Int(B::int_cat(
            d.tensors.iter().map(|t| e.int(t)).collect(),
            d.dim,
        )),
        Op::Cast(d) => Int(B::int_cast(e.int(&d.input), d.out.dtype.into())),
        Op::Empty(d) => Int(B::int_empty(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Ones(d) => Int(B::int_ones(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Zeros(d) => Int(B::int_zeros(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::NotEqual(d) => Bool(B::int_not_equal(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::NotEqualElem(d) => Bool(B::int_not_equal_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::All(d) => Bool(B::int_all(e.int(&d.input), d.out.dtype.into())),
        Op::Any(d) => Bool(B::int_any(e.int(&d.input), d.out.dtype.into())),
        Op::AllDim(d) => Bool(B::int_all_dim(e.int(&d.input), d.axis, d.out.dtype.into())),
        Op::AnyDim(d) => Bool(B::int_any_dim(e.int(&d.input), d.axis, d.out.dtype.into())),
    })
}

/// Arithmetic, comparisons, reductions and order.
pub(crate) fn numeric<B: Backend>(
    e: &mut Env<B>,
    op: &NumericOperationIr,
) -> Result<Value<B>, ProgramError> {
    use NumericOperationIr as Op;
    Ok(match op {
        Op::Pad(d) => Int(B::int_pad(e.int(&d.input), &d.padding, d.mode.into())),
        Op::Add(d) => Int(B::int_add(e.int(&d.lhs), e.int(&d.rhs))),
        Op::AddScalar(d) => Int(B::int_add_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::Sub(d) => Int(B::int_sub(e.int(&d.lhs), e.int(&d.rhs))),
        Op::SubScalar(d) => Int(B::int_sub_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::Div(d) => Int(B::int_div(e.int(&d.lhs), e.int(&d.rhs))),
        Op::DivScalar(d) => Int(B::int_div_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::Rem(d) => Int(B::int_remainder(e.int(&d.lhs), e.int(&d.rhs))),
        Op::RemScalar(d) => Int(B::int_remainder_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::Mul(d) => Int(B::int_mul(e.int(&d.lhs), e.int(&d.rhs))),
        Op::MulScalar(d) => Int(B::int_mul_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::Abs(d) => Int(B::int_abs(e.int(&d.input))),
        Op::Full(d) => Int(B::int_full(
            d.out.shape.clone(),
            d.value.into(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::MeanDim(d) => Int(B::int_mean_dim(e.int(&d.input), d.axis)),
        Op::Mean(d) => Int(B::int_mean(e.int(&d.input))),
        Op::Sum(d) => Int(B::int_sum(e.int(&d.input))),
        Op::SumDim(d) => Int(B::int_sum_dim(e.int(&d.input), d.axis)),
        Op::SumDims(d) => Int(d.axes.iter().fold(e.int(&d.input), |tensor, &axis| {
            B::int_sum_dim(tensor, axis)
        })),
        Op::Prod(d) => Int(B::int_prod(e.int(&d.input))),
        Op::ProdDim(d) => Int(B::int_prod_dim(e.int(&d.input), d.axis)),
        Op::Greater(d) => Bool(B::int_greater(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::GreaterElem(d) => Bool(B::int_greater_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::GreaterEqual(d) => Bool(B::int_greater_equal(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::GreaterEqualElem(d) => Bool(B::int_greater_equal_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::Lower(d) => Bool(B::int_lower(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::LowerElem(d) => Bool(B::int_lower_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::LowerEqual(d) => Bool(B::int_lower_equal(
            e.int(&d.lhs),
            e.int(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::LowerEqualElem(d) => Bool(B::int_lower_equal_elem(
            e.int(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::ArgMax(d) => Int(B::int_argmax(e.int(&d.input), d.axis)),
        Op::ArgTopK(d) => Int(B::int_argtopk(e.int(&d.input), d.axis, d.accumulator_len)),
        Op::ArgMin(d) => Int(B::int_argmin(e.int(&d.input), d.axis)),
        Op::Max(d) => Int(B::int_max(e.int(&d.input))),
        Op::MaxDimWithIndices(d) => {
            let (values, indices) = B::int_max_dim_with_indices(e.int(&d.tensor), d.dim);
            e.put(&d.out_indices, Int(indices));
            Int(values)
        }
        Op::TopKWithIndices(d) => {
            let (values, indices) = B::int_topk_with_indices(e.int(&d.tensor), d.dim, d.k);
            e.put(&d.out_indices, Int(indices));
            Int(values)
        }
        Op::MinDimWithIndices(d) => {
            let (values, indices) = B::int_min_dim_with_indices(e.int(&d.tensor), d.dim);
            e.put(&d.out_indices, Int(indices));
            Int(values)
        }
        Op::Min(d) => Int(B::int_min(e.int(&d.input))),
        Op::MaxDim(d) => Int(B::int_max_dim(e.int(&d.input), d.axis)),
        Op::TopK(d) => Int(B::int_topk(e.int(&d.input), d.axis, d.accumulator_len)),
        Op::MinDim(d) => Int(B::int_min_dim(e.int(&d.input), d.axis)),
        Op::MaxAbs(d) => Int(B::int_max_abs(e.int(&d.input))),
        Op::MaxAbsDim(d) => Int(B::int_max_abs_dim(e.int(&d.input), d.axis)),
        Op::Clamp(d) => Int(B::int_clamp(e.int(&d.tensor), d.min.into(), d.max.into())),
        Op::IntRandom(d) => Int(B::int_random(
            d.out.shape.clone(),
            d.distribution,
            e.device,
            d.out.dtype.into(),
        )),
        Op::Powi(d) => Int(B::int_powi(e.int(&d.lhs), e.int(&d.rhs))),
        Op::PowiScalar(d) => Int(B::int_powi_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::CumSum(d) => Int(B::int_cumsum(e.int(&d.input), d.axis)),
        Op::CumProd(d) => Int(B::int_cumprod(e.int(&d.input), d.axis)),
        Op::CumMin(d) => Int(B::int_cummin(e.int(&d.input), d.axis)),
        Op::CumMax(d) => Int(B::int_cummax(e.int(&d.input), d.axis)),
        Op::Neg(d) => Int(B::int_neg(e.int(&d.input))),
        Op::Sign(d) => Int(B::int_sign(e.int(&d.input))),
        Op::ClampMin(d) => Int(B::int_clamp_min(e.int(&d.lhs), d.rhs.into())),
        Op::ClampMax(d) => Int(B::int_clamp_max(e.int(&d.lhs), d.rhs.into())),
        Op::Sort(d) => Int(B::int_sort(e.int(&d.input), d.dim, d.descending)),
        Op::SortWithIndices(d) => {
            let (values, indices) = B::int_sort_with_indices(e.int(&d.input), d.dim, d.descending);
            e.put(&d.out_indices, Int(indices));
            Int(values)
        }
        Op::ArgSort(d) => Int(B::int_argsort(e.int(&d.input), d.dim, d.descending)),
    })
}

/// Functions that only ints have.
pub(crate) fn int<B: Backend>(
    e: &mut Env<B>,
    op: &IntOperationIr,
) -> Result<Value<B>, ProgramError> {
    use IntOperationIr as Op;
    Ok(match op {
        Op::IntoFloat(d) => Float(B::int_into_float(e.int(&d.input), d.out.dtype.into())),
        Op::Matmul(d) => Int(B::int_matmul(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseAnd(d) => Int(B::bitwise_and(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseAndScalar(d) => Int(B::bitwise_and_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::BitwiseOr(d) => Int(B::bitwise_or(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseOrScalar(d) => Int(B::bitwise_or_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::BitwiseXor(d) => Int(B::bitwise_xor(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseXorScalar(d) => Int(B::bitwise_xor_scalar(e.int(&d.lhs), d.rhs.into())),
        Op::BitwiseNot(d) => Int(B::bitwise_not(e.int(&d.input))),
        Op::BitwiseLeftShift(d) => Int(B::bitwise_left_shift(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseRightShift(d) => Int(B::bitwise_right_shift(e.int(&d.lhs), e.int(&d.rhs))),
        Op::BitwiseLeftShiftScalar(d) => {
            Int(B::bitwise_left_shift_scalar(e.int(&d.lhs), d.rhs.into()))
        }
        Op::BitwiseRightShiftScalar(d) => {
            Int(B::bitwise_right_shift_scalar(e.int(&d.lhs), d.rhs.into()))
        }
    })
}
