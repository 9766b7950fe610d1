//! Float operations. The rules that are more than a line are in the sibling files.

use burn_backend::ops::grid_sample::float_grid_sample_2d_ref;
use burn_backend::ops::{FloatTensorOps, GridSampleOptions, InterpolateMode, PadMode};
use burn_backend::tensor::{BoolTensor, Device, FloatTensor, IndexingUpdateOp, IntTensor};
use burn_backend::{
    Backend, BoolDType, Distribution, ExecutionError, FloatDType, IntDType, Scalar, Shape, Slice,
    TensorData,
};

use super::delegate::delegate;
use super::{binary, elementwise, indexing, reduction};
use crate::error::unsupported;
use crate::rules::{bilinear, linear, selected, selection, shifted};
use crate::{Dual, DualTensor};

/// Operations of float tensors alone, each with a rule of its own.
macro_rules! by_rule {
    ($($arguments:tt: $($operation:ident = $rule:path),+;)+) => {
        $($(by_rule!(@ $operation $rule, $arguments);)+)+
    };
    (@ $operation:ident $rule:path, ($($x:ident),+)) => {
        fn $operation($($x: FloatTensor<Self>),+) -> FloatTensor<Self> {
            $rule($($x),+)
        }
    };
}

impl<B: Backend> FloatTensorOps<Self> for Dual<B> {
    delegate! {
        constant (data: TensorData, device: &Device<Self>) -> FloatTensor<Self>: float_from_data;
        constant (
            shape: Shape, distribution: Distribution, device: &Device<Self>, dtype: FloatDType
        ) -> FloatTensor<Self>:
            float_random;
        constant (shape: Shape, device: &Device<Self>, dtype: FloatDType) -> FloatTensor<Self>:
            float_zeros, float_ones, float_empty;
        constant (
            shape: Shape, fill_value: Scalar, device: &Device<Self>, dtype: FloatDType
        ) -> FloatTensor<Self>:
            float_full;
        primal (tensor;) -> impl Future<Output = Result<TensorData, ExecutionError>> + Send:
            float_into_data;
        primal (tensor; out_dtype: IntDType) -> IntTensor<Self>: float_into_int;
        primal (lhs, rhs; out_dtype: BoolDType) -> BoolTensor<Self>:
            float_equal, float_not_equal, float_greater, float_greater_equal, float_lower,
            float_lower_equal;
        primal (lhs; rhs: Scalar, out_dtype: BoolDType) -> BoolTensor<Self>:
            float_equal_elem, float_not_equal_elem, float_greater_elem, float_greater_equal_elem,
            float_lower_elem, float_lower_equal_elem;
        still (tensor;) -> FloatTensor<Self>:
            float_detach, float_round, float_floor, float_ceil, float_trunc, float_sign;
        primal (tensor; dim: usize, out_dtype: IntDType) -> IntTensor<Self>:
            float_argmax, float_argmin;
        primal (tensor; dim: usize, k: usize, out_dtype: IntDType) -> IntTensor<Self>:
            float_argtopk;
        primal (tensor; out_dtype: BoolDType) -> BoolTensor<Self>:
            float_any, float_all, float_is_nan, float_is_inf;
        primal (tensor; dim: usize, out_dtype: BoolDType) -> BoolTensor<Self>:
            float_any_dim, float_all_dim;
        primal (tensor; dim: usize, descending: bool, out_dtype: IntDType) -> IntTensor<Self>:
            float_argsort;
        linear (tensor;) -> FloatTensor<Self>: float_neg, float_transpose, float_sum, float_mean;
        linear (tensor; dim: usize) -> FloatTensor<Self>:
            float_sum_dim, float_mean_dim, float_cumsum;
        linear (tensor; dim: usize, n: usize) -> FloatTensor<Self>:
            float_repeat_dim, float_swap_dims;
        linear (tensor; dim: usize, size: usize, step: usize) -> FloatTensor<Self>: float_unfold;
        linear (tensor; dims: &[usize]) -> FloatTensor<Self>:
            float_sum_dims, float_permute, float_flip;
        linear (tensor; shape: Shape) -> FloatTensor<Self>: float_reshape, float_expand;
        linear (tensor; slices: &[Slice]) -> FloatTensor<Self>: float_slice;
        linear (tensor; indices: IntTensor<Self>) -> FloatTensor<Self>: float_gather_nd;
        linear (tensor; dim: usize, indices: IntTensor<Self>) -> FloatTensor<Self>: float_select;
        linear (tensor; device: &Device<Self>) -> FloatTensor<Self>: float_to_device;
        linear (tensor; dtype: FloatDType) -> FloatTensor<Self>: float_cast;
        linear (lhs; rhs: Scalar) -> FloatTensor<Self>: float_mul_scalar, float_div_scalar;
        shifted (lhs; rhs: Scalar) -> FloatTensor<Self>:
            float_add_scalar, float_sub_scalar, float_remainder_scalar;
        shifted (tensor; require_grad: bool) -> FloatTensor<Self>: float_set_require_grad;
        bilinear (lhs, rhs;) -> FloatTensor<Self>: float_mul, float_matmul;
        bilinear (lhs, rhs; dim: usize) -> FloatTensor<Self>: float_cross;
    }

    by_rule! {
        (tensor):
            float_recip = elementwise::recip, float_exp = elementwise::exp,
            float_log = elementwise::log, float_log1p = elementwise::log1p,
            float_sqrt = elementwise::sqrt, float_abs = elementwise::abs,
            float_cos = elementwise::cos, float_sin = elementwise::sin,
            float_tan = elementwise::tan, float_cosh = elementwise::cosh,
            float_sinh = elementwise::sinh, float_tanh = elementwise::tanh,
            float_acos = elementwise::acos, float_acosh = elementwise::acosh,
            float_asin = elementwise::asin, float_asinh = elementwise::asinh,
            float_atan = elementwise::atan, float_atanh = elementwise::atanh,
            float_erf = elementwise::erf;
        (lhs, rhs):
            float_add = binary::add, float_sub = binary::sub, float_div = binary::div,
            float_remainder = binary::remainder, float_powf = binary::powf,
            float_hypot = binary::hypot, float_atan2 = binary::atan2;
    }

    fn float_clamp_min(tensor: FloatTensor<Self>, min: Scalar) -> FloatTensor<Self> {
        elementwise::clamp(tensor, Some(min), None, |x| B::float_clamp_min(x, min))
    }

    fn float_clamp_max(tensor: FloatTensor<Self>, max: Scalar) -> FloatTensor<Self> {
        elementwise::clamp(tensor, None, Some(max), |x| B::float_clamp_max(x, max))
    }

    fn float_clamp(tensor: FloatTensor<Self>, min: Scalar, max: Scalar) -> FloatTensor<Self> {
        elementwise::clamp(tensor, Some(min), Some(max), |x| {
            B::float_clamp(x, min, max)
        })
    }

    fn float_gather(
        dim: usize,
        tensor: FloatTensor<Self>,
        indices: IntTensor<Self>,
    ) -> FloatTensor<Self> {
        linear(tensor, |x| B::float_gather(dim, x, indices.clone()))
    }

    fn float_scatter(
        dim: usize,
        tensor: FloatTensor<Self>,
        indices: IntTensor<Self>,
        value: FloatTensor<Self>,
        update: IndexingUpdateOp,
    ) -> FloatTensor<Self> {
        indexing::update(tensor, value, update, "scatter", |x, value| {
            B::float_scatter(dim, x, indices.clone(), value, update)
        })
    }

    fn float_scatter_nd(
        data: FloatTensor<Self>,
        indices: IntTensor<Self>,
        values: FloatTensor<Self>,
        reduction: IndexingUpdateOp,
    ) -> FloatTensor<Self> {
        indexing::update(data, values, reduction, "scatter_nd", |x, values| {
            B::float_scatter_nd(x, indices.clone(), values, reduction)
        })
    }

    fn float_select_assign(
        tensor: FloatTensor<Self>,
        dim: usize,
        indices: IntTensor<Self>,
        value: FloatTensor<Self>,
        update: IndexingUpdateOp,
    ) -> FloatTensor<Self> {
        indexing::update(tensor, value, update, "select_assign", |x, value| {
            B::float_select_assign(x, dim, indices.clone(), value, update)
        })
    }

    fn float_slice_assign(
        tensor: FloatTensor<Self>,
        slices: &[Slice],
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        indexing::assign(tensor, value, |x, value| {
            B::float_slice_assign(x, slices, value)
        })
    }

    fn float_mask_where(
        tensor: FloatTensor<Self>,
        mask: BoolTensor<Self>,
        value: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        indexing::mask_where(tensor, mask, value)
    }

    fn float_mask_fill(
        tensor: FloatTensor<Self>,
        mask: BoolTensor<Self>,
        value: Scalar,
    ) -> FloatTensor<Self> {
        let primal = B::float_mask_fill(tensor.primal, mask.clone(), value);
        let tangent = tensor
            .tangent
            .map(|tangent| B::float_mask_fill(tangent, mask, 0.0.into()));
        DualTensor::join(primal, tangent)
    }

    async fn float_mask_select(
        tensor: FloatTensor<Self>,
        mask: BoolTensor<Self>,
    ) -> FloatTensor<Self> {
        let Some(tangent) = tensor.tangent else {
            return DualTensor::constant(B::float_mask_select(tensor.primal, mask).await);
        };
        let primal = B::float_mask_select(tensor.primal, mask.clone()).await;
        DualTensor::new(primal, B::float_mask_select(tangent, mask).await)
    }

    fn float_is_require_grad(tensor: &FloatTensor<Self>) -> bool {
        B::float_is_require_grad(&tensor.primal)
    }

    fn float_prod(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        match tensor.tangent {
            Some(_) => reduction::prod_dim(reduction::flat(tensor), 0),
            None => DualTensor::constant(B::float_prod(tensor.primal)),
        }
    }

    fn float_prod_dim(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        reduction::prod_dim(tensor, dim)
    }

    fn float_cumprod(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        reduction::cumprod(tensor, dim)
    }

    fn float_cummin(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        reduction::running(tensor, dim, |x| B::float_cummin(x, dim))
    }

    fn float_cummax(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        reduction::running(tensor, dim, |x| B::float_cummax(x, dim))
    }

    fn float_powi(lhs: FloatTensor<Self>, rhs: IntTensor<Self>) -> FloatTensor<Self> {
        elementwise::powi(lhs, rhs)
    }

    fn float_powi_scalar(lhs: FloatTensor<Self>, rhs: Scalar) -> FloatTensor<Self> {
        elementwise::power(lhs, rhs, |x| B::float_powi_scalar(x, rhs))
    }

    fn float_powi_scalar_impl(lhs: FloatTensor<Self>, rhs: Scalar) -> FloatTensor<Self> {
        elementwise::power(lhs, rhs, |x| B::float_powi_scalar_impl(x, rhs))
    }

    fn float_powf_scalar(tensor: FloatTensor<Self>, value: Scalar) -> FloatTensor<Self> {
        elementwise::power(tensor, value, |x| B::float_powf_scalar(x, value))
    }

    fn float_powf_scalar_impl(tensor: FloatTensor<Self>, value: Scalar) -> FloatTensor<Self> {
        elementwise::power(tensor, value, |x| B::float_powf_scalar_impl(x, value))
    }

    fn float_cat(tensors: Vec<FloatTensor<Self>>, dim: usize) -> FloatTensor<Self> {
        indexing::cat(tensors, dim)
    }

    fn float_topk(tensor: FloatTensor<Self>, dim: usize, k: usize) -> FloatTensor<Self> {
        selected(
            tensor,
            dim,
            |x| B::float_topk(x, dim, k),
            |x, dtype| B::float_topk_with_indices(x, dim, k, dtype),
        )
    }

    fn float_topk_with_indices(
        tensor: FloatTensor<Self>,
        dim: usize,
        k: usize,
        out_dtype: IntDType,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        selection(tensor, dim, |x| {
            B::float_topk_with_indices(x, dim, k, out_dtype)
        })
    }

    fn float_max(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        reduction::extremum(tensor, B::float_max, |x| Self::float_max_dim(x, 0))
    }

    fn float_max_dim(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        selected(
            tensor,
            dim,
            |x| B::float_max_dim(x, dim),
            |x, dtype| B::float_max_dim_with_indices(x, dim, dtype),
        )
    }

    fn float_max_dim_with_indices(
        tensor: FloatTensor<Self>,
        dim: usize,
        indices_dtype: IntDType,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        selection(tensor, dim, |x| {
            B::float_max_dim_with_indices(x, dim, indices_dtype)
        })
    }

    fn float_min(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        reduction::extremum(tensor, B::float_min, |x| Self::float_min_dim(x, 0))
    }

    fn float_min_dim(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        selected(
            tensor,
            dim,
            |x| B::float_min_dim(x, dim),
            |x, dtype| B::float_min_dim_with_indices(x, dim, dtype),
        )
    }

    fn float_min_dim_with_indices(
        tensor: FloatTensor<Self>,
        dim: usize,
        indices_dtype: IntDType,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        selection(tensor, dim, |x| {
            B::float_min_dim_with_indices(x, dim, indices_dtype)
        })
    }

    fn float_max_abs(tensor: FloatTensor<Self>) -> FloatTensor<Self> {
        reduction::extremum(tensor, B::float_max_abs, |x| Self::float_max_abs_dim(x, 0))
    }

    fn float_max_abs_dim(tensor: FloatTensor<Self>, dim: usize) -> FloatTensor<Self> {
        match tensor.tangent {
            Some(_) => Self::float_max_dim(Self::float_abs(tensor), dim),
            None => DualTensor::constant(B::float_max_abs_dim(tensor.primal, dim)),
        }
    }

    fn float_sort(tensor: FloatTensor<Self>, dim: usize, descending: bool) -> FloatTensor<Self> {
        selected(
            tensor,
            dim,
            |x| B::float_sort(x, dim, descending),
            |x, dtype| B::float_sort_with_indices(x, dim, descending, dtype),
        )
    }

    fn float_sort_with_indices(
        tensor: FloatTensor<Self>,
        dim: usize,
        descending: bool,
        indices_dtype: IntDType,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        selection(tensor, dim, |x| {
            B::float_sort_with_indices(x, dim, descending, indices_dtype)
        })
    }

    fn float_grid_sample_2d(
        tensor: FloatTensor<Self>,
        grid: FloatTensor<Self>,
        options: GridSampleOptions,
    ) -> FloatTensor<Self> {
        if tensor.tangent.is_none() && grid.tangent.is_none() {
            let out = B::float_grid_sample_2d(tensor.primal, grid.primal, options);
            return DualTensor::constant(out);
        }
        match options.mode {
            InterpolateMode::Bilinear => float_grid_sample_2d_ref::<Self>(tensor, grid, options),
            _ => unsupported("grid_sample_2d"),
        }
    }

    fn float_pad(
        tensor: FloatTensor<Self>,
        padding: &[(usize, usize)],
        mode: PadMode,
    ) -> FloatTensor<Self> {
        let primal = B::float_pad(tensor.primal, padding, mode);
        // Padding with a constant pads the tangent with that constant's derivative.
        let mode = match mode {
            PadMode::Constant(_) => PadMode::Constant(0.0),
            mode => mode,
        };
        let tangent = tensor
            .tangent
            .map(|tangent| B::float_pad(tangent, padding, mode));
        DualTensor::join(primal, tangent)
    }
}
