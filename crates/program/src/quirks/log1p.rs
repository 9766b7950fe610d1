//! Functions whose ends Burn (0.22) loses: `log(1 + x)` of a small `x`, which its graphics devices take literally, with what is made of
//! it, and the sigmoid, by way of a logarithm in f32.

use burn::backend::{Dispatch, DispatchDevice};
use burn_backend::{
    Backend, DType, DeviceSettings, TensorMetadata, get_or_init_device_settings,
    ops::{BoolTensorOps, FloatTensorOps},
    tensor::FloatTensor,
};
use burn_ir::{ActivationOperationIr as Activation, FloatOperationIr as Float, OperationIr};

use crate::{
    ir::{error::ProgramError, value::Value},
    kernels::parallel_elementwise::is_flex,
    run::interpreter::Env,
};

type Tensor = FloatTensor<Dispatch>;

/// Runs `op` if it is such a function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let out = match op {
        OperationIr::Activation(Activation::LogSoftmax(d)) if computes(e.device) => {
            log_softmax(e.float(&d.input), d.axis, e.device)
        }
        OperationIr::Activation(Activation::LogSigmoid(d)) if is_lossy(e.device) => {
            log_sigmoid(e.float(&d.input), e.device)
        }
        OperationIr::Activation(Activation::Sigmoid(d)) if is_lossy(e.device) => {
            sigmoid(e.float(&d.input))
        }
        OperationIr::Float(_, Float::Log1p(d)) if !has_log1p(e.device) => {
            log1p(e.float(&d.input), e.device)
        }
        _ => return None,
    };
    Some(Ok(Value::Float(out)))
}

/// What is recorded, or differentiated by Burn, stays as it is.
fn computes(device: &DispatchDevice) -> bool {
    !matches!(
        device,
        DispatchDevice::Capture(_) | DispatchDevice::Autodiff(_)
    )
}

/// Flex alone has functions of its own for these.
fn is_lossy(device: &DispatchDevice) -> bool {
    computes(device) && !is_flex(device)
}

/// Whether there is a `log1p` that is more than a name; graphics devices have none.
fn has_log1p(device: &DispatchDevice) -> bool {
    !computes(device) || !Dispatch::name(device).contains("cube")
}

/// `1 / (1 + exp(-x))`: to within rounding at both ends.
fn sigmoid(x: Tensor) -> Tensor {
    let odds = Dispatch::float_exp(Dispatch::float_neg(x));
    Dispatch::float_recip(Dispatch::float_add_scalar(odds, 1.0.into()))
}

/// `min(x, 0) - log(1 + exp(-|x|))`.
fn log_sigmoid(x: Tensor, device: &DispatchDevice) -> Tensor {
    let odds = Dispatch::float_exp(Dispatch::float_neg(Dispatch::float_abs(x.clone())));
    let below = Dispatch::float_clamp_max(x, 0.0.into());
    Dispatch::float_sub(below, log1p(odds, device))
}

/// `d - log(1 + sum of the other exp d)` with the distance `d` from the largest element, which adds the one. No lookups, which Burn's
/// fusion may take from other rows ([`fusion_lookup`](crate::quirks::fusion_lookup)).
fn log_softmax(x: Tensor, dim: usize, device: &DispatchDevice) -> Tensor {
    let DeviceSettings { bool_dtype, .. } = get_or_init_device_settings::<Dispatch>(device);
    let dtype = x.dtype().into();
    let largest = Dispatch::float_max_dim(x.clone(), dim);
    let distance = Dispatch::float_sub(x, largest);
    let first = Dispatch::float_equal_elem(distance.clone(), 0.0.into(), bool_dtype);
    let exp = Dispatch::float_exp(distance.clone());
    let others = Dispatch::float_mask_fill(exp, first.clone(), 0.0.into());
    // Of several that are as large, all but one are others.
    let as_large = Dispatch::float_sum_dim(Dispatch::bool_into_float(first, dtype), dim);
    let sum = Dispatch::float_add(
        Dispatch::float_sum_dim(others, dim),
        Dispatch::float_sub_scalar(as_large, 1.0.into()),
    );
    Dispatch::float_sub(distance, log1p(sum, device))
}

/// `log(1 + x)`.
fn log1p(x: Tensor, device: &DispatchDevice) -> Tensor {
    if has_log1p(device) {
        return Dispatch::float_log1p(x);
    }
    let DeviceSettings { bool_dtype, .. } = get_or_init_device_settings::<Dispatch>(device);
    let large =
        Dispatch::float_greater_elem(Dispatch::float_abs(x.clone()), 0.5.into(), bool_dtype);
    let log = Dispatch::float_log(Dispatch::float_add_scalar(x.clone(), 1.0.into()));
    Dispatch::float_mask_where(small_log1p(x), large, log)
}

/// `2 atanh(s)` with `s = x / (2 + x)`, by its series `2 (s + s^3 / 3 + s^5 / 5 + ..)`. For `|x| <= 1/2`, `s` is at most 1/3 and the
/// terms left out are below rounding.
fn small_log1p(x: Tensor) -> Tensor {
    let terms = match x.dtype() {
        DType::F64 => 17,
        _ => 8,
    };
    let s = Dispatch::float_div(x.clone(), Dispatch::float_add_scalar(x, 2.0.into()));
    let square = Dispatch::float_mul(s.clone(), s.clone());
    let coefficient = |k: i32| 1.0 / f64::from(2 * k + 1);
    // Its first step is the last two terms.
    let last = Dispatch::float_mul_scalar(square.clone(), coefficient(terms - 1).into());
    let sum = Dispatch::float_add_scalar(last, coefficient(terms - 2).into());
    let sum = (0..terms - 2).rev().fold(sum, |sum, k| {
        let product = Dispatch::float_mul(sum, square.clone());
        Dispatch::float_add_scalar(product, coefficient(k).into())
    });
    Dispatch::float_mul_scalar(Dispatch::float_mul(sum, s), 2.0.into())
}
