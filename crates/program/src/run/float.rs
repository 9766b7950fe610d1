//! Operations whose main operand is a float tensor.

use burn_backend::{Backend, DType};
use burn_ir::{BaseOperationIr, FloatOperationIr, NumericOperationIr};

use crate::{
    ir::{
        environment::Env,
        error::ProgramError,
        value::Value::{self, *},
    },
    run::mixed_precision,
};

/// Shapes, indexing, masks and creation.
pub(crate) fn base<B: Backend>(
    e: &mut Env<B>,
    op: &BaseOperationIr,
) -> Result<Value<B>, ProgramError> {
    use BaseOperationIr as Op;
    Ok(match op {
        Op::Reshape(d) => Float(B::float_reshape(e.float(&d.input), d.out.shape.clone())),
        Op::SwapDims(d) => Float(B::float_swap_dims(e.float(&d.input), d.dim1, d.dim2)),
        Op::Permute(d) => Float(B::float_permute(e.float(&d.input), &d.axes)),
        Op::Flip(d) => Float(B::float_flip(e.float(&d.input), &d.axes)),
        Op::Expand(d) => Float(B::float_expand(e.float(&d.input), d.out.shape.clone())),
        Op::Unfold(d) => Float(B::float_unfold(e.float(&d.input), d.dim, d.size, d.step)),
        Op::Slice(d) => Float(B::float_slice(e.float(&d.tensor), &d.ranges)),
        Op::SliceAssign(d) => Float(B::float_slice_assign(
            e.float(&d.tensor),
            &d.ranges,
            e.float(&d.value),
        )),
        Op::Gather(d) => Float(B::float_gather(
            d.dim,
            e.float(&d.tensor),
            e.int(&d.indices),
        )),
        Op::Scatter(d) => Float(B::float_scatter(
            d.dim,
            e.float(&d.tensor),
            e.int(&d.indices),
            e.float(&d.value),
            d.update,
        )),
        Op::ScatterNd(d) => Float(B::float_scatter_nd(
            e.float(&d.data),
            e.int(&d.indices),
            e.float(&d.values),
            d.reduction,
        )),
        Op::GatherNd(d) => Float(B::float_gather_nd(e.float(&d.data), e.int(&d.indices))),
        Op::Select(d) => Float(B::float_select(
            e.float(&d.tensor),
            d.dim,
            e.int(&d.indices),
        )),
        Op::SelectAssign(d) => Float(B::float_select_assign(
            e.float(&d.tensor),
            d.dim,
            e.int(&d.indices),
            e.float(&d.value),
            d.update,
        )),
        Op::MaskWhere(d) => Float(B::float_mask_where(
            e.float(&d.tensor),
            e.bool(&d.mask),
            e.float(&d.value),
        )),
        Op::MaskFill(d) => Float(B::float_mask_fill(
            e.float(&d.tensor),
            e.bool(&d.mask),
            d.value.into(),
        )),
        Op::Equal(d) => Bool(B::float_equal(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::EqualElem(d) => Bool(B::float_equal_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::RepeatDim(d) => Float(B::float_repeat_dim(e.float(&d.tensor), d.dim, d.times)),
        Op::Cat(d) => Float(B::float_cat(
            d.tensors.iter().map(|t| e.float(t)).collect(),
            d.dim,
        )),
        Op::Cast(d) => Float(B::float_cast(e.float(&d.input), d.out.dtype.into())),
        Op::Empty(d) => Float(B::float_empty(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Ones(d) => Float(B::float_ones(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::Zeros(d) => Float(B::float_zeros(
            d.out.shape.clone(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::NotEqual(d) => Bool(B::float_not_equal(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::NotEqualElem(d) => Bool(B::float_not_equal_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::All(d) => Bool(B::float_all(e.float(&d.input), d.out.dtype.into())),
        Op::Any(d) => Bool(B::float_any(e.float(&d.input), d.out.dtype.into())),
        Op::AllDim(d) => Bool(B::float_all_dim(
            e.float(&d.input),
            d.axis,
            d.out.dtype.into(),
        )),
        Op::AnyDim(d) => Bool(B::float_any_dim(
            e.float(&d.input),
            d.axis,
            d.out.dtype.into(),
        )),
    })
}

/// Arithmetic, comparisons, reductions and order.
pub(crate) fn numeric<B: Backend>(
    e: &mut Env<B>,
    op: &NumericOperationIr,
) -> Result<Value<B>, ProgramError> {
    use NumericOperationIr as Op;
    Ok(match op {
        Op::Pad(d) => Float(B::float_pad(e.float(&d.input), &d.padding, d.mode.into())),
        Op::Add(d) => Float(B::float_add(e.float(&d.lhs), e.float(&d.rhs))),
        Op::AddScalar(d) => Float(B::float_add_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Sub(d) => Float(B::float_sub(e.float(&d.lhs), e.float(&d.rhs))),
        Op::SubScalar(d) => Float(B::float_sub_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Div(d) => Float(B::float_div(e.float(&d.lhs), e.float(&d.rhs))),
        Op::DivScalar(d) => Float(B::float_div_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Rem(d) => Float(B::float_remainder(e.float(&d.lhs), e.float(&d.rhs))),
        Op::RemScalar(d) => Float(B::float_remainder_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Mul(d) => Float(B::float_mul(e.float(&d.lhs), e.float(&d.rhs))),
        Op::MulScalar(d) => Float(B::float_mul_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Abs(d) => Float(B::float_abs(e.float(&d.input))),
        Op::Full(d) => Float(B::float_full(
            d.out.shape.clone(),
            d.value.into(),
            e.device,
            d.out.dtype.into(),
        )),
        Op::MeanDim(d) => Float(B::float_mean_dim(e.float(&d.input), d.axis)),
        Op::Mean(d) => Float(B::float_mean(e.float(&d.input))),
        Op::Sum(d) => Float(B::float_sum(e.float(&d.input))),
        Op::SumDim(d) => Float(B::float_sum_dim(e.float(&d.input), d.axis)),
        Op::SumDims(d) => Float(B::float_sum_dims(e.float(&d.input), &d.axes)),
        Op::Prod(d) => Float(B::float_prod(e.float(&d.input))),
        Op::ProdDim(d) => Float(B::float_prod_dim(e.float(&d.input), d.axis)),
        Op::Greater(d) => Bool(B::float_greater(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::GreaterElem(d) => Bool(B::float_greater_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::GreaterEqual(d) => Bool(B::float_greater_equal(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::GreaterEqualElem(d) => Bool(B::float_greater_equal_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::Lower(d) => Bool(B::float_lower(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::LowerElem(d) => Bool(B::float_lower_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::LowerEqual(d) => Bool(B::float_lower_equal(
            e.float(&d.lhs),
            e.float(&d.rhs),
            d.out.dtype.into(),
        )),
        Op::LowerEqualElem(d) => Bool(B::float_lower_equal_elem(
            e.float(&d.lhs),
            d.rhs.into(),
            d.out.dtype.into(),
        )),
        Op::ArgMax(d) => Int(B::float_argmax(
            e.float(&d.input),
            d.axis,
            d.out.dtype.into(),
        )),
        Op::ArgTopK(d) => Int(B::float_argtopk(
            e.float(&d.input),
            d.axis,
            d.accumulator_len,
            d.out.dtype.into(),
        )),
        Op::ArgMin(d) => Int(B::float_argmin(
            e.float(&d.input),
            d.axis,
            d.out.dtype.into(),
        )),
        Op::Max(d) => Float(B::float_max(e.float(&d.input))),
        Op::MaxDimWithIndices(d) => {
            let (values, indices) = B::float_max_dim_with_indices(
                e.float(&d.tensor),
                d.dim,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(indices));
            Float(values)
        }
        Op::TopKWithIndices(d) => {
            let (values, indices) = B::float_topk_with_indices(
                e.float(&d.tensor),
                d.dim,
                d.k,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(indices));
            Float(values)
        }
        Op::MinDimWithIndices(d) => {
            let (values, indices) = B::float_min_dim_with_indices(
                e.float(&d.tensor),
                d.dim,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(indices));
            Float(values)
        }
        Op::Min(d) => Float(B::float_min(e.float(&d.input))),
        Op::MaxDim(d) => Float(B::float_max_dim(e.float(&d.input), d.axis)),
        Op::TopK(d) => Float(B::float_topk(e.float(&d.input), d.axis, d.accumulator_len)),
        Op::MinDim(d) => Float(B::float_min_dim(e.float(&d.input), d.axis)),
        Op::MaxAbs(d) => Float(B::float_max_abs(e.float(&d.input))),
        Op::MaxAbsDim(d) => Float(B::float_max_abs_dim(e.float(&d.input), d.axis)),
        Op::Clamp(d) => Float(B::float_clamp(
            e.float(&d.tensor),
            d.min.into(),
            d.max.into(),
        )),
        Op::IntRandom(_) => return Err(ProgramError::not_replayed(op)),
        Op::Powi(d) => Float((B::float_powi)(e.float(&d.lhs), e.int(&d.rhs))),
        Op::PowiScalar(d) => Float(B::float_powi_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::CumSum(d) => Float(B::float_cumsum(e.float(&d.input), d.axis)),
        Op::CumProd(d) => Float(B::float_cumprod(e.float(&d.input), d.axis)),
        Op::CumMin(d) => Float(B::float_cummin(e.float(&d.input), d.axis)),
        Op::CumMax(d) => Float(B::float_cummax(e.float(&d.input), d.axis)),
        Op::Neg(d) => Float(B::float_neg(e.float(&d.input))),
        Op::Sign(d) => Float(B::float_sign(e.float(&d.input))),
        Op::ClampMin(d) => Float(B::float_clamp_min(e.float(&d.lhs), d.rhs.into())),
        Op::ClampMax(d) => Float(B::float_clamp_max(e.float(&d.lhs), d.rhs.into())),
        Op::Sort(d) => Float(B::float_sort(e.float(&d.input), d.dim, d.descending)),
        Op::SortWithIndices(d) => {
            let (values, indices) = B::float_sort_with_indices(
                e.float(&d.input),
                d.dim,
                d.descending,
                d.out_indices.dtype.into(),
            );
            e.put(&d.out_indices, Int(indices));
            Float(values)
        }
        Op::ArgSort(d) => Int(B::float_argsort(
            e.float(&d.input),
            d.dim,
            d.descending,
            d.out.dtype.into(),
        )),
    })
}

/// Functions that only floats have.
pub(crate) fn float<B: Backend>(
    e: &mut Env<B>,
    op: &FloatOperationIr,
) -> Result<Value<B>, ProgramError> {
    use FloatOperationIr as Op;
    Ok(match op {
        Op::Exp(d) => Float(B::float_exp(e.float(&d.input))),
        Op::Powf(d) => Float(B::float_powf(e.float(&d.lhs), e.float(&d.rhs))),
        Op::Log(d) => Float(B::float_log(e.float(&d.input))),
        Op::Log1p(d) => Float(B::float_log1p(e.float(&d.input))),
        Op::Erf(d) => Float(B::float_erf(e.float(&d.input))),
        Op::PowfScalar(d) => Float(B::float_powf_scalar(e.float(&d.lhs), d.rhs.into())),
        Op::Sqrt(d) => Float(B::float_sqrt(e.float(&d.input))),
        Op::Cos(d) => Float(B::float_cos(e.float(&d.input))),
        Op::Sin(d) => Float(B::float_sin(e.float(&d.input))),
        Op::Tanh(d) => Float(B::float_tanh(e.float(&d.input))),
        Op::Tan(d) => Float(B::float_tan(e.float(&d.input))),
        Op::Cosh(d) => Float(B::float_cosh(e.float(&d.input))),
        Op::Sinh(d) => Float(B::float_sinh(e.float(&d.input))),
        Op::ArcCos(d) => Float(B::float_acos(e.float(&d.input))),
        Op::ArcCosh(d) => Float(B::float_acosh(e.float(&d.input))),
        Op::ArcSin(d) => Float(B::float_asin(e.float(&d.input))),
        Op::ArcSinh(d) => Float(B::float_asinh(e.float(&d.input))),
        Op::ArcTan(d) => Float(B::float_atan(e.float(&d.input))),
        Op::ArcTanh(d) => Float(B::float_atanh(e.float(&d.input))),
        Op::ArcTan2(d) => Float(B::float_atan2(e.float(&d.lhs), e.float(&d.rhs))),
        Op::Hypot(d) => Float(B::float_hypot(e.float(&d.lhs), e.float(&d.rhs))),
        Op::Round(d) => Float(B::float_round(e.float(&d.input))),
        Op::Floor(d) => Float(B::float_floor(e.float(&d.input))),
        Op::Ceil(d) => Float(B::float_ceil(e.float(&d.input))),
        Op::Trunc(d) => Float(B::float_trunc(e.float(&d.input))),
        Op::IntoInt(d) => Int(B::float_into_int(e.float(&d.input), d.out.dtype.into())),
        Op::Matmul(d) => {
            let (lhs, rhs) = (e.float(&d.lhs), e.float(&d.rhs));
            Float(match e.half {
                Some(half) if d.out.dtype == DType::F32 => {
                    mixed_precision::product::<B>(lhs, rhs, half)
                }
                _ => B::float_matmul(lhs, rhs),
            })
        }
        Op::Cross(d) => Float(B::float_cross(e.float(&d.lhs), e.float(&d.rhs), d.dim)),
        Op::Random(d) => Float(B::float_random(
            d.out.shape.clone(),
            d.distribution,
            e.device,
            d.out.dtype.into(),
        )),
        Op::Recip(d) => Float(B::float_recip(e.float(&d.input))),
        Op::Quantize(_) | Op::Dequantize(_) => return Err(ProgramError::not_replayed(op)),
        Op::IsNan(d) => Bool(B::float_is_nan(e.float(&d.input), d.out.dtype.into())),
        Op::IsInf(d) => Bool(B::float_is_inf(e.float(&d.input), d.out.dtype.into())),
        Op::GridSample2d(d) => Float(B::float_grid_sample_2d(
            e.float(&d.tensor),
            e.float(&d.grid),
            d.options.clone().into(),
        )),
    })
}
