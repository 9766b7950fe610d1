//! Boolean operations: none has a derivative, so each one is the inner backend's own.

use burn_backend::ops::BoolTensorOps;
use burn_backend::tensor::{BoolTensor, Device, FloatTensor, IntTensor};
use burn_backend::{
    Backend, BoolDType, ExecutionError, FloatDType, IntDType, Scalar, Shape, Slice, TensorData,
};

use super::delegate::delegate;
use crate::{Dual, DualTensor};

impl<B: Backend> BoolTensorOps<Self> for Dual<B> {
    delegate! {
        inner (shape: Shape, device: &Device<Self>, dtype: BoolDType) -> BoolTensor<Self>:
            bool_empty, bool_zeros, bool_ones;
        inner (
            tensor: BoolTensor<Self>
        ) -> impl Future<Output = Result<TensorData, ExecutionError>> + Send:
            bool_into_data;
        inner (data: TensorData, device: &Device<Self>) -> BoolTensor<Self>: bool_from_data;
        inner (tensor: BoolTensor<Self>, out_dtype: IntDType) -> IntTensor<Self>: bool_into_int;
        constant (tensor: BoolTensor<Self>, out_dtype: FloatDType) -> FloatTensor<Self>:
            bool_into_float;
        inner (tensor: BoolTensor<Self>, device: &Device<Self>) -> BoolTensor<Self>: bool_to_device;
        inner (tensor: BoolTensor<Self>, shape: Shape) -> BoolTensor<Self>:
            bool_reshape, bool_expand;
        inner (tensor: BoolTensor<Self>, slices: &[Slice]) -> BoolTensor<Self>: bool_slice;
        inner (
            tensor: BoolTensor<Self>, slices: &[Slice], value: BoolTensor<Self>
        ) -> BoolTensor<Self>:
            bool_slice_assign;
        inner (
            tensor: BoolTensor<Self>, mask: BoolTensor<Self>, value: BoolTensor<Self>
        ) -> BoolTensor<Self>:
            bool_mask_where;
        inner (tensor: BoolTensor<Self>, mask: BoolTensor<Self>, value: Scalar) -> BoolTensor<Self>:
            bool_mask_fill;
        inner (
            tensor: BoolTensor<Self>, mask: BoolTensor<Self>
        ) -> impl Future<Output = BoolTensor<Self>> + 'static + Send:
            bool_mask_select;
        inner (dim: usize, tensor: BoolTensor<Self>, indices: IntTensor<Self>) -> BoolTensor<Self>:
            bool_gather;
        inner (
            dim: usize, tensor: BoolTensor<Self>, indices: IntTensor<Self>, value: BoolTensor<Self>
        ) -> BoolTensor<Self>:
            bool_scatter_or;
        inner (tensor: BoolTensor<Self>, dim: usize, indices: IntTensor<Self>) -> BoolTensor<Self>:
            bool_select;
        inner (
            tensor: BoolTensor<Self>, dim: usize, indices: IntTensor<Self>, value: BoolTensor<Self>
        ) -> BoolTensor<Self>:
            bool_select_or;
        inner (tensor: BoolTensor<Self>, dim: usize, n: usize) -> BoolTensor<Self>:
            bool_repeat_dim, bool_swap_dims;
        inner (tensors: Vec<BoolTensor<Self>>, dim: usize) -> BoolTensor<Self>: bool_cat;
        inner (lhs: BoolTensor<Self>, rhs: BoolTensor<Self>) -> BoolTensor<Self>:
            bool_equal, bool_not_equal, bool_and, bool_or, bool_xor;
        inner (lhs: BoolTensor<Self>, rhs: Scalar) -> BoolTensor<Self>:
            bool_equal_elem, bool_not_equal_elem;
        inner (tensor: BoolTensor<Self>) -> BoolTensor<Self>:
            bool_not, bool_transpose, bool_any, bool_all;
        inner (tensor: BoolTensor<Self>, axes: &[usize]) -> BoolTensor<Self>:
            bool_permute, bool_flip;
        inner (tensor: BoolTensor<Self>, dim: usize) -> BoolTensor<Self>:
            bool_any_dim, bool_all_dim;
        inner (
            tensor: BoolTensor<Self>, out_dtype: IntDType
        ) -> impl Future<Output = IntTensor<Self>> + 'static + Send:
            bool_argwhere;
        inner (tensor: BoolTensor<Self>, dim: usize, size: usize, step: usize) -> BoolTensor<Self>:
            bool_unfold;
    }
}
