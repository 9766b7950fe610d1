//! The sigmoid.
//!
//! - Fault: `sigmoid` of burn-backend, which all but burn-flex use, is `exp(-log(1 + exp(-x)))` in f32 whatever the
//!   type. Burn 0.22.0 and 0.22.1.
//! - Way round: the quotient that it is.
//! - It may go when `burn_still_rounds_on_ndarray` in `tests/tests/across/gpu.rs` fails at the sigmoid.

use burn::backend::{Dispatch, DispatchTensor};
use burn_backend::ops::FloatTensorOps;
use burn_ir::{ActivationOperationIr as Activation, OperationIr};

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::device::{computes, is_flex},
};

/// Runs `op` if it is that function.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::Activation(Activation::Sigmoid(d))
            if computes(e.device) && !is_flex(e.device) =>
        {
            Some(Ok(Value::Float(sigmoid(e.float(&d.input)))))
        }
        _ => None,
    }
}

/// `1 / (1 + exp(-x))`: to within rounding at both ends.
pub(crate) fn sigmoid(x: DispatchTensor) -> DispatchTensor {
    let odds = Dispatch::float_exp(Dispatch::float_neg(x));
    Dispatch::float_recip(Dispatch::float_add_scalar(odds, 1.0.into()))
}
