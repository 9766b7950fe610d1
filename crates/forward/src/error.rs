//! The one failure of forward mode: a tangent reaches an operation that has no rule.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A tangent reached an operation that has no forward-mode rule.
///
/// A [`Backend`](burn_backend::Backend) method cannot return an error, so this one travels as the
/// payload of an unwinding that prints nothing; [`catch_unsupported`] receives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{operation}` has no forward-mode rule: keep tangents away from its inputs, or write it with \
     differentiable operations"
)]
pub struct UnsupportedOperation {
    /// The name of the operation, as Burn's backend traits call it.
    pub operation: &'static str,
}

/// Runs `f`, turning a tangent that reaches an operation without a rule into an error.
///
/// # Errors
///
/// [`UnsupportedOperation`], naming the operation.
///
/// # Panics
///
/// Any other panic of `f` goes on unchanged.
pub fn catch_unsupported<T>(f: impl FnOnce() -> T) -> Result<T, UnsupportedOperation> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        match payload.downcast::<UnsupportedOperation>() {
            Ok(unsupported) => *unsupported,
            Err(foreign) => resume_unwind(foreign),
        }
    })
}

/// Raises [`UnsupportedOperation`] without calling the panic hook.
pub(crate) fn unsupported(operation: &'static str) -> ! {
    resume_unwind(Box::new(UnsupportedOperation { operation }))
}
