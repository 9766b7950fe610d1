//! Integer operations: none has a derivative, so each one is the inner backend's own.

use std::ops::Range;

use burn_backend::ops::{IntTensorOps, PadMode};
use burn_backend::tensor::{BoolTensor, Device, FloatTensor, IndexingUpdateOp, IntTensor};
use burn_backend::{
    Backend, BoolDType, Distribution, ExecutionError, FloatDType, IntDType, Scalar, Shape, Slice,
    TensorData,
};

use super::delegate::delegate;
use crate::{Dual, DualTensor};

impl<B: Backend> IntTensorOps<Self> for Dual<B> {
    delegate! {
        inner (shape: Shape, device: &Device<Self>, dtype: IntDType) -> IntTensor<Self>:
            int_empty, int_zeros, int_ones;
        inner (
            tensor: IntTensor<Self>
        ) -> impl Future<Output = Result<TensorData, ExecutionError>> + Send:
            int_into_data;
        inner (data: TensorData, device: &Device<Self>) -> IntTensor<Self>: int_from_data;
        inner (tensor: IntTensor<Self>, device: &Device<Self>) -> IntTensor<Self>: int_to_device;
        inner (tensor: IntTensor<Self>, shape: Shape) -> IntTensor<Self>: int_reshape, int_expand;
        inner (tensor: IntTensor<Self>, slices: &[Slice]) -> IntTensor<Self>: int_slice;
        inner (
            tensor: IntTensor<Self>, slices: &[Slice], value: IntTensor<Self>
        ) -> IntTensor<Self>:
            int_slice_assign;
        constant (tensor: IntTensor<Self>, out_dtype: FloatDType) -> FloatTensor<Self>:
            int_into_float;
        inner (
            tensor: IntTensor<Self>, mask: BoolTensor<Self>, value: IntTensor<Self>
        ) -> IntTensor<Self>:
            int_mask_where;
        inner (tensor: IntTensor<Self>, mask: BoolTensor<Self>, value: Scalar) -> IntTensor<Self>:
            int_mask_fill;
        inner (
            tensor: IntTensor<Self>, mask: BoolTensor<Self>
        ) -> impl Future<Output = IntTensor<Self>> + 'static + Send:
            int_mask_select;
        inner (dim: usize, tensor: IntTensor<Self>, indices: IntTensor<Self>) -> IntTensor<Self>:
            int_gather;
        inner (
            dim: usize, tensor: IntTensor<Self>, indices: IntTensor<Self>, value: IntTensor<Self>,
            update: IndexingUpdateOp
        ) -> IntTensor<Self>:
            int_scatter;
        inner (
            data: IntTensor<Self>, indices: IntTensor<Self>, values: IntTensor<Self>,
            update: IndexingUpdateOp
        ) -> IntTensor<Self>:
            int_scatter_nd;
        inner (lhs: IntTensor<Self>, rhs: IntTensor<Self>) -> IntTensor<Self>:
            int_gather_nd, int_add, int_powi, int_sub, int_mul, int_div, int_remainder, int_matmul,
            bitwise_and, bitwise_or, bitwise_xor, bitwise_left_shift, bitwise_right_shift;
        inner (tensor: IntTensor<Self>, dim: usize, indices: IntTensor<Self>) -> IntTensor<Self>:
            int_select;
        inner (
            tensor: IntTensor<Self>, dim: usize, indices: IntTensor<Self>, value: IntTensor<Self>,
            update: IndexingUpdateOp
        ) -> IntTensor<Self>:
            int_select_assign;
        inner (tensor: IntTensor<Self>, dim: usize, n: usize) -> IntTensor<Self>:
            int_repeat_dim, int_argtopk, int_topk, int_swap_dims;
        inner (tensors: Vec<IntTensor<Self>>, dim: usize) -> IntTensor<Self>: int_cat;
        inner (
            lhs: IntTensor<Self>, rhs: IntTensor<Self>, out_dtype: BoolDType
        ) -> BoolTensor<Self>:
            int_equal, int_not_equal, int_greater, int_greater_equal, int_lower, int_lower_equal;
        inner (lhs: IntTensor<Self>, rhs: Scalar, out_dtype: BoolDType) -> BoolTensor<Self>:
            int_equal_elem, int_not_equal_elem, int_greater_elem, int_greater_equal_elem,
            int_lower_elem, int_lower_equal_elem;
        inner (lhs: IntTensor<Self>, rhs: Scalar) -> IntTensor<Self>:
            int_add_scalar, int_powi_scalar, int_powi_scalar_impl, int_clamp_min, int_clamp_max,
            int_sub_scalar, int_mul_scalar, int_div_scalar, int_remainder_scalar,
            bitwise_and_scalar, bitwise_or_scalar, bitwise_xor_scalar, bitwise_left_shift_scalar,
            bitwise_right_shift_scalar;
        inner (tensor: IntTensor<Self>) -> IntTensor<Self>:
            int_square, int_neg, int_sum, int_prod, int_mean, int_max, int_max_abs, int_min,
            int_abs, int_transpose, int_sign, bitwise_not;
        inner (tensor: IntTensor<Self>, min: Scalar, max: Scalar) -> IntTensor<Self>: int_clamp;
        inner (
            shape: Shape, fill_value: Scalar, device: &Device<Self>, dtype: IntDType
        ) -> IntTensor<Self>:
            int_full;
        inner (tensor: IntTensor<Self>, dim: usize) -> IntTensor<Self>:
            int_sum_dim, int_prod_dim, int_mean_dim, int_cumsum, int_cumprod, int_cummin,
            int_cummax, int_argmax, int_argmin, int_max_dim, int_max_abs_dim, int_min_dim;
        inner (tensor: IntTensor<Self>, dim: usize, k: usize) -> (IntTensor<Self>, IntTensor<Self>):
            int_topk_with_indices;
        inner (tensor: IntTensor<Self>, dim: usize) -> (IntTensor<Self>, IntTensor<Self>):
            int_max_dim_with_indices, int_min_dim_with_indices;
        inner (tensor: IntTensor<Self>, axes: &[usize]) -> IntTensor<Self>: int_permute, int_flip;
        inner (
            shape: Shape, distribution: Distribution, device: &Device<Self>, dtype: IntDType
        ) -> IntTensor<Self>:
            int_random;
        inner (
            range: Range<i64>, step: usize, device: &Device<Self>, dtype: IntDType
        ) -> IntTensor<Self>:
            int_arange_step;
        inner (range: Range<i64>, device: &Device<Self>, dtype: IntDType) -> IntTensor<Self>:
            int_arange;
        inner (tensor: IntTensor<Self>, out_dtype: BoolDType) -> BoolTensor<Self>: int_any, int_all;
        inner (tensor: IntTensor<Self>, dim: usize, out_dtype: BoolDType) -> BoolTensor<Self>:
            int_any_dim, int_all_dim;
        inner (tensor: IntTensor<Self>, dim: usize, descending: bool) -> IntTensor<Self>:
            int_sort, int_argsort;
        inner (
            tensor: IntTensor<Self>, dim: usize, descending: bool
        ) -> (IntTensor<Self>, IntTensor<Self>):
            int_sort_with_indices;
        inner (tensor: IntTensor<Self>, dtype: IntDType) -> IntTensor<Self>: int_cast;
        inner (tensor: IntTensor<Self>, dim: usize, size: usize, step: usize) -> IntTensor<Self>:
            int_unfold;
        inner (
            tensor: IntTensor<Self>, padding: &[(usize, usize)], mode: PadMode
        ) -> IntTensor<Self>:
            int_pad;
    }
}
