//! The backends that programs are replayed on.

use backdraft_forward::Dual;
use burn::backend::Dispatch;
use burn_autodiff::Autodiff;
use burn_backend::Backend;
use burn_capture::CaptureBackend;
use burn_ir::OperationIr;

use crate::{
    ir::{error::ProgramError, value::Value},
    kernels::{convolution, parallel_elementwise},
    quirks::{f64_fallback, fusion, log1p},
    run::{interpreter::Env, reverse},
};

/// A backend that programs are replayed on.
pub(crate) trait Target: Backend {
    /// Runs `op` if this backend's own operation will not do.
    fn special(_: &mut Env<Self>, _: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        None
    }
}

impl Target for Dispatch {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        convolution::special(e, op)
            .or_else(|| parallel_elementwise::special(e, op))
            .or_else(|| f64_fallback::special(e, op))
            .or_else(|| log1p::special(e, op))
            .or_else(|| fusion::special(e, op))
    }
}

impl Target for CaptureBackend {}

impl Target for Dual<CaptureBackend> {}

impl Target for Autodiff<CaptureBackend> {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        reverse::special(e, op)
    }
}
