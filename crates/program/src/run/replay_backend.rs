//! The backends that programs are replayed on.

use backdraft_forward::Dual;
use burn::backend::Dispatch;
use burn_autodiff::Autodiff;
use burn_backend::Backend;
use burn_capture::CaptureBackend;
use burn_ir::OperationIr;

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    kernels::{direct_convolution, parallel_elementwise},
    quirks::{
        f64_fallback, fusion_lookup, fusion_mask, fusion_transpose, log_sigmoid, log_softmax,
        log1p, powers_at_zero, products_at_zero, quotients, saturated_slopes, saturated_softmax,
        sigmoid_in_f32,
    },
    run::{operation::operation, reverse},
};

/// A backend that programs are replayed on.
pub(crate) trait ReplayBackend: Backend {
    /// Runs `op` if this backend's own operation will not do.
    fn special(_: &mut Env<Self>, _: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        None
    }
}

impl ReplayBackend for Dispatch {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        direct_convolution::special(e, op)
            .or_else(|| parallel_elementwise::special(e, op))
            .or_else(|| f64_fallback::special(e, op))
            .or_else(|| log1p::special(e, op))
            .or_else(|| log_sigmoid::special(e, op))
            .or_else(|| log_softmax::special(e, op))
            .or_else(|| sigmoid_in_f32::special(e, op))
            .or_else(|| fusion_lookup::special(e, op))
            .or_else(|| fusion_transpose::special(e, op, operation))
            .or_else(|| fusion_mask::special(e, op, operation))
    }
}

impl ReplayBackend for CaptureBackend {}

impl ReplayBackend for Dual<CaptureBackend> {}

impl ReplayBackend for Autodiff<CaptureBackend> {
    fn special(e: &mut Env<Self>, op: &OperationIr) -> Option<Result<Value<Self>, ProgramError>> {
        reverse::special(e, op)
            .or_else(|| saturated_slopes::special(e, op))
            .or_else(|| saturated_softmax::special(e, op))
            .or_else(|| powers_at_zero::special(e, op))
            .or_else(|| quotients::special(e, op))
            .or_else(|| products_at_zero::special(e, op))
    }
}
