//! The logarithm of a sigmoid near one.
//!
//! - Fault: `log_sigmoid` of burn-backend, which all but burn-flex use, is a logarithm of `1 + x`: zero for a sure
//!   example. Burn 0.22.0 and 0.22.1.
//! - Way round: `log1p`.
//! - It may go when `burn_still_rounds_on_ndarray` in `tests/tests/across/gpu.rs` fails at the log-sigmoid.

use burn::backend::{Dispatch, DispatchDevice, DispatchTensor};
use burn_backend::ops::FloatTensorOps;
use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::{
        device::{computes, is_flex},
        log1p::log1p,
    },
};

/// Runs `op` if it is that function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::Activation(Activation::LogSigmoid(d))
            if computes(e.device) && !is_flex(e.device) =>
        {
            let out = log_sigmoid(e.float(&d.input), e.device);
            Some(Ok(Value::Float(out)))
        }
        _ => None,
    }
}

/// `min(x, 0) - log(1 + exp(-|x|))`.
fn log_sigmoid(x: DispatchTensor, device: &DispatchDevice) -> DispatchTensor {
    let odds = Dispatch::float_exp(Dispatch::float_neg(Dispatch::float_abs(x.clone())));
    let below = Dispatch::float_clamp_max(x, 0.0.into());
    Dispatch::float_sub(below, log1p(odds, device))
}
