//! Quantized operations: a quantized tensor has no tangent, so each one is the inner backend's own.
//!
//! Quantizing a tensor that carries a tangent would drop it, and is refused instead.

use burn_backend::ops::QTensorOps;
use burn_backend::quantization::{QuantScheme, QuantizationParametersPrimitive};
use burn_backend::tensor::{BoolTensor, Device, FloatTensor, IntTensor, QuantizedTensor};
use burn_backend::{
    Backend, BoolDType, ExecutionError, FloatDType, IntDType, Scalar, Shape, Slice, TensorData,
    TensorPrimitive,
};

use super::delegate::delegate;
use crate::rules::without_tangent;
use crate::{Dual, DualTensor};

fn lift<B: Backend>(tensor: TensorPrimitive<B>) -> TensorPrimitive<Dual<B>> {
    match tensor {
        TensorPrimitive::Float(tensor) => TensorPrimitive::Float(DualTensor::constant(tensor)),
        TensorPrimitive::QFloat(tensor) => TensorPrimitive::QFloat(tensor),
    }
}

fn lower<B: Backend>(
    tensor: TensorPrimitive<Dual<B>>,
    operation: &'static str,
) -> TensorPrimitive<B> {
    match tensor {
        TensorPrimitive::Float(tensor) => {
            TensorPrimitive::Float(without_tangent(tensor, operation))
        }
        TensorPrimitive::QFloat(tensor) => TensorPrimitive::QFloat(tensor),
    }
}

impl<B: Backend> QTensorOps<Self> for Dual<B> {
    delegate! {
        inner (data: TensorData, device: &Device<Self>) -> QuantizedTensor<Self>: q_from_data;
        constant (tensor: QuantizedTensor<Self>, dtype: FloatDType) -> FloatTensor<Self>:
            dequantize;
        inner (tensor: QuantizedTensor<Self>, device: &Device<Self>) -> QuantizedTensor<Self>:
            q_to_device;
        inner (tensor: QuantizedTensor<Self>, shape: Shape) -> QuantizedTensor<Self>:
            q_reshape, q_expand;
        inner (
            tensor: QuantizedTensor<Self>
        ) -> impl Future<Output = Result<TensorData, ExecutionError>> + Send:
            q_into_data;
        inner (tensor: QuantizedTensor<Self>) -> QuantizedTensor<Self>:
            q_detach, q_transpose, q_abs, q_max, q_min, q_max_abs;
        inner (tensor: QuantizedTensor<Self>, require_grad: bool) -> QuantizedTensor<Self>:
            q_set_require_grad;
        inner (tensor: &QuantizedTensor<Self>) -> bool: q_is_require_grad;
        inner (tensor: QuantizedTensor<Self>, dim: usize, n: usize) -> QuantizedTensor<Self>:
            q_swap_dims, q_repeat_dim, q_topk;
        inner (tensor: QuantizedTensor<Self>, axes: &[usize]) -> QuantizedTensor<Self>:
            q_permute, q_flip;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, indices: IntTensor<Self>
        ) -> QuantizedTensor<Self>:
            q_select;
        inner (tensor: QuantizedTensor<Self>, slices: &[Slice]) -> QuantizedTensor<Self>: q_slice;
        inner (
            dim: usize, tensor: QuantizedTensor<Self>, indices: IntTensor<Self>
        ) -> QuantizedTensor<Self>:
            q_gather;
        lift (lhs: QuantizedTensor<Self>, rhs: QuantizedTensor<Self>) -> TensorPrimitive<Self>:
            q_add, q_sub, q_mul, q_div, q_powf;
        lift (lhs: QuantizedTensor<Self>, rhs: Scalar) -> TensorPrimitive<Self>:
            q_add_scalar, q_clamp_min, q_clamp_max, q_sub_scalar, q_mul_scalar, q_div_scalar,
            q_powi_scalar, q_powf_scalar;
        lift (tensor: QuantizedTensor<Self>, min: Scalar, max: Scalar) -> TensorPrimitive<Self>:
            q_clamp;
        lift (tensor: QuantizedTensor<Self>) -> TensorPrimitive<Self>:
            q_neg, q_recip, q_sum, q_prod, q_mean, q_exp, q_log, q_log1p, q_sqrt, q_cos, q_sin,
            q_tan, q_cosh, q_sinh, q_tanh, q_erf;
        lift (tensor: QuantizedTensor<Self>, dim: usize) -> TensorPrimitive<Self>:
            q_sum_dim, q_prod_dim, q_mean_dim, q_cumsum, q_cumprod, q_cummin, q_cummax;
        lift (lhs: QuantizedTensor<Self>, rhs: IntTensor<Self>) -> TensorPrimitive<Self>: q_powi;
        inner (tensors: Vec<QuantizedTensor<Self>>, dim: usize) -> QuantizedTensor<Self>: q_cat;
        inner (tensor: QuantizedTensor<Self>, dim: usize, out_dtype: IntDType) -> IntTensor<Self>:
            q_argmax, q_argmin;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, k: usize, out_dtype: IntDType
        ) -> IntTensor<Self>:
            q_argtopk;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, k: usize, out_dtype: IntDType
        ) -> (QuantizedTensor<Self>, IntTensor<Self>):
            q_topk_with_indices;
        inner (tensor: QuantizedTensor<Self>, dim: usize) -> QuantizedTensor<Self>:
            q_max_dim, q_min_dim, q_max_abs_dim;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, out_dtype: IntDType
        ) -> (QuantizedTensor<Self>, IntTensor<Self>):
            q_max_dim_with_indices, q_min_dim_with_indices;
        inner (tensor: QuantizedTensor<Self>, out_dtype: BoolDType) -> BoolTensor<Self>:
            q_any, q_all;
        inner (tensor: QuantizedTensor<Self>, dim: usize, out_dtype: BoolDType) -> BoolTensor<Self>:
            q_any_dim, q_all_dim;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, descending: bool
        ) -> QuantizedTensor<Self>:
            q_sort;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, descending: bool, out_dtype: IntDType
        ) -> (QuantizedTensor<Self>, IntTensor<Self>):
            q_sort_with_indices;
        inner (
            tensor: QuantizedTensor<Self>, dim: usize, descending: bool, out_dtype: IntDType
        ) -> IntTensor<Self>:
            q_argsort;
    }

    fn quantize(
        tensor: FloatTensor<Self>,
        scheme: &QuantScheme,
        qparams: QuantizationParametersPrimitive<Self>,
    ) -> QuantizedTensor<Self> {
        let qparams = QuantizationParametersPrimitive {
            scales: without_tangent(qparams.scales, "quantize"),
            global: qparams
                .global
                .map(|global| without_tangent(global, "quantize")),
        };
        B::quantize(without_tangent(tensor, "quantize"), scheme, qparams)
    }

    fn quantize_dynamic(tensor: FloatTensor<Self>, scheme: &QuantScheme) -> QuantizedTensor<Self> {
        B::quantize_dynamic(without_tangent(tensor, "quantize_dynamic"), scheme)
    }

    fn q_matmul(lhs: TensorPrimitive<Self>, rhs: TensorPrimitive<Self>) -> TensorPrimitive<Self> {
        lift(B::q_matmul(lower(lhs, "q_matmul"), lower(rhs, "q_matmul")))
    }
}
