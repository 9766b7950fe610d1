//! `log(1 + x)` of a small `x`.
//!
//! - Fault: `log1p` of cubecl-core is `ln(1 + x)`, taken literally, on every graphics device. Burn 0.22.0 and 0.22.1.
//! - Way round: the series of `2 atanh(x / (2 + x))`.
//! - It may go when `burn_still_takes_log1p_literally` in `tests/tests/across/gpu.rs` fails.

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{
    DType, DeviceSettings, TensorMetadata, get_or_init_device_settings, ops::FloatTensorOps,
};
use burn_ir::{FloatOperationIr as Float, OperationIr};

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::device::{computes, is_cube},
};

/// Runs `op` if it is such a function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let out = match op {
        OperationIr::Float(_, Float::Log1p(d)) if !has_log1p(e.device) => {
            log1p(e.float(&d.input), e.device)
        }
        _ => return None,
    };
    Some(Ok(Value::Float(out)))
}

/// Whether there is a `log1p` that is more than a name; graphics devices have none.
fn has_log1p(device: &DispatchDevice) -> bool {
    !computes(device) || !is_cube(device)
}

/// `log(1 + x)`.
pub(crate) fn log1p(x: DispatchTensor, device: &DispatchDevice) -> DispatchTensor {
    if has_log1p(device) {
        return Dispatch::float_log1p(x);
    }
    let DeviceSettings { bool_dtype, .. } = get_or_init_device_settings::<Dispatch>(device);
    let large =
        Dispatch::float_greater_elem(Dispatch::float_abs(x.clone()), 0.5.into(), bool_dtype);
    let log = Dispatch::float_log(Dispatch::float_add_scalar(x.clone(), 1.0.into()));
    Dispatch::float_mask_where(small_log1p(x), large, log)
}

/// `2 atanh(s)` with `s = x / (2 + x)`, by its series `2 (s + s^3 / 3 + s^5 / 5 + ..)`. For `|x| <= 1/2`, `s` is at
/// most 1/3 and the terms left out are below rounding.
fn small_log1p(x: DispatchTensor) -> DispatchTensor {
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
