//! Operations on devices where Burn puts several into one kernel, in forms that it puts together rightly.

mod gather;
mod turned;

use burn::backend::Dispatch;
use burn_backend::{
    Backend, Shape,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    tensor::Device,
};
use burn_ir::OperationIr;

use super::Env;
use crate::{
    ProgramError,
    value::Value::{self, *},
};

/// Runs `op` if it needs another form on the device.
pub(super) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    gather::special(e, op).or_else(|| turned::special(e, op))
}

/// Whether operations share kernels. Asked last: the device's name is put together each time.
fn fuses(device: &Device<Dispatch>) -> bool {
    Dispatch::name(device).starts_with("dispatch<fusion<")
}

fn reshape(value: Value<Dispatch>, shape: Shape) -> Value<Dispatch> {
    match value {
        Float(x) => Float(Dispatch::float_reshape(x, shape)),
        Int(x) => Int(Dispatch::int_reshape(x, shape)),
        Bool(x) => Bool(Dispatch::bool_reshape(x, shape)),
    }
}
