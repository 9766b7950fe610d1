//! Powers of f64.
//!
//! - Fault: burn-ndarray takes the exponent of `powf_scalar` in f32. Burn 0.22.1.
//! - Way round: an exponent that f32 does not hold is given as a tensor.
//! - It may go when `burn_still_rounds_on_ndarray` in `tests/tests/across/gpu.rs` fails at the power.

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::{DType, TensorMetadata, ops::FloatTensorOps};
use burn_ir::{FloatOperationIr as Float, OperationIr, ScalarIr};

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::device::is_flex,
};

/// Runs `op` if it is such a function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let out = match op {
        OperationIr::Float(_, Float::PowfScalar(d))
            if d.out.dtype == DType::F64 && computes_in_f32(e.device) =>
        {
            match d.rhs {
                ScalarIr::Float(exponent) if f64::from(exponent as f32) != exponent => {
                    power(e.float(&d.lhs), exponent, e)
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(Ok(Value::Float(out)))
}

/// What is recorded stays as it is: it may run on flex.
fn computes_in_f32(device: &DispatchDevice) -> bool {
    !matches!(device, DispatchDevice::Capture(_)) && !is_flex(device)
}

fn power(x: DispatchTensor, exponent: f64, e: &Env<Dispatch>) -> DispatchTensor {
    let exponents = Dispatch::float_full(x.shape(), exponent.into(), e.device, DType::F64.into());
    Dispatch::float_powf(x, exponents)
}
