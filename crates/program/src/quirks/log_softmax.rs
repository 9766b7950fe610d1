//! The logarithm of a probability near one.
//!
//! - Fault: `log_softmax` of burn-backend adds the one to the sum of the other exponentials before it takes the
//!   logarithm: zero for a sure class. Burn 0.22.0 and 0.22.1.
//! - Way round: `log1p` of that sum.
//! - It may go when `burn_still_loses_the_ends` in `crates/program/tests/program/saturation.rs` fails at the
//!   log-softmax.

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{
    DeviceSettings, TensorMetadata, get_or_init_device_settings,
    ops::{BoolTensorOps, FloatTensorOps},
};
use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::{device::computes, log1p::log1p},
};

/// Runs `op` if it is that function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::Activation(Activation::LogSoftmax(d)) if computes(e.device) => {
            let out = log_softmax(e.float(&d.input), d.axis, e.device);
            Some(Ok(Value::Float(out)))
        }
        _ => None,
    }
}

/// `d - log(1 + sum of the other exp d)` with the distance `d` from the largest element, which adds the one. No
/// lookups, which Burn's fusion may take from other rows ([`fusion_lookup`](crate::quirks::fusion_lookup)).
fn log_softmax(x: DispatchTensor, dim: usize, device: &DispatchDevice) -> DispatchTensor {
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
