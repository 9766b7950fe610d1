//! What panics of Burn mean, by their texts.
//!
//! - Fault: an operation on tensors of different types or devices, or on one without a value, is a panic whose payload
//!   is English text. Burn 0.22.1.
//! - Way round: the texts are searched for the words that tell.
//! - It may go when Burn has typed errors for these. `misuse_is_a_typed_error` and `float_types_that_meet_are_named` in
//!   `crates/program/tests/program/failures.rs` fail when the words change.

use burn_backend::DType;

use crate::ir::{error::ProgramError, spec::different};

/// The error of a function that panicked, with what to do about a panic of Burn that a traced function can bring about.
/// `dtypes` are those of what was recorded until then.
pub(crate) fn explained(
    message: String,
    location: Option<String>,
    dtypes: &[DType],
) -> ProgramError {
    let says = |parts: &[&str]| parts.iter().any(|part| message.contains(part));
    if says(&["DTypeMismatch"]) {
        let ints = |dtype: &DType| dtype.is_int() || dtype.is_uint();
        let floats = different(dtypes.iter().copied(), DType::is_float);
        let ints = different(dtypes.iter().copied(), ints);
        if let Some(types) = [floats, ints].into_iter().find(|types| types.len() > 1) {
            return ProgramError::MixedTypes { types, place: None };
        }
    }
    let advice = if says(&[
        "not on the same device",
        "on the wrong backend",
        "has no initialized value",
    ]) {
        "it mixes a traced tensor with one from outside: pass that as an argument (as a `Constant` if it is not to be \
         differentiated), or move it with `.to_device(&x.device())`, x being an argument"
    } else if says(&[
        "has no concrete value",
        "Cannot move a tensor from a capture device",
    ]) {
        "it reads the values of a traced tensor (`into_data`, `into_scalar`, `to_device`; among Burn's own, `one_hot`, `nonzero` and \
         `argwhere`), which are known only when the program runs. In place of `one_hot`, compare with an `arange`"
    } else {
        let message = match says(&["do not support autodiff"]) {
            true => {
                "it turns autodiff on (`autodiff`, `require_grad`) for a traced tensor: leave that out, or take a derivative within it \
                 by this crate's `grad`"
                    .into()
            }
            false => message,
        };
        return ProgramError::Panicked {
            message,
            location,
            place: None,
        };
    };
    ProgramError::Trace(advice.into())
}
