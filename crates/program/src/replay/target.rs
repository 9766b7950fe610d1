//! The backends that programs are replayed on.

use backdraft_forward::Dual;
use burn::backend::Dispatch;
use burn_autodiff::Autodiff;
use burn_backend::Backend;
use burn_capture::CaptureBackend;
use burn_ir::OperationIr;

use super::{Env, convolve, double, fused, reverse, spread, tail};
use crate::{ProgramError, value::Value};

/// A backend that programs are replayed on.
pub(crate) trait Target: Backend {
    /// Runs `op` if this backend's own operation will not do.
    fn special(_: &mut Env<Self>, _: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        None
    }
}

impl Target for Dispatch {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        convolve::special(e, op)
            .or_else(|| spread::special(e, op))
            .or_else(|| double::special(e, op))
            .or_else(|| tail::special(e, op))
            .or_else(|| fused::special(e, op))
    }
}

impl Target for CaptureBackend {}

impl Target for Dual<CaptureBackend> {}

impl Target for Autodiff<CaptureBackend> {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        reverse::special(e, op)
    }
}
