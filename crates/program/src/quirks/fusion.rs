//! Operations on devices where Burn puts several into one kernel, in forms that it puts together rightly.

use burn::backend::Dispatch;
use burn_backend::{
    Backend, Shape,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    tensor::Device,
};
use burn_ir::OperationIr;

use crate::{
    ir::{
        error::ProgramError,
        value::Value::{self, *},
    },
    quirks::{fusion_lookup, fusion_mask, fusion_transpose},
    run::interpreter::Env,
};

/// Runs `op` if it needs another form on the device.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    fusion_lookup::special(e, op)
        .or_else(|| fusion_transpose::special(e, op))
        .or_else(|| fusion_mask::special(e, op))
}

/// Whether operations share kernels. Asked last: the device's name is put together each time.
pub(crate) fn fuses(device: &Device<Dispatch>) -> bool {
    Dispatch::name(device).starts_with("dispatch<fusion<")
}

pub(crate) fn reshape(value: Value<Dispatch>, shape: Shape) -> Value<Dispatch> {
    match value {
        Float(x) => Float(Dispatch::float_reshape(x, shape)),
        Int(x) => Int(Dispatch::int_reshape(x, shape)),
        Bool(x) => Bool(Dispatch::bool_reshape(x, shape)),
    }
}

/// The value with its elements in the order of its dimensions, as a tensor of its own; the memory stays if they are in order.
pub(crate) fn in_order(value: Value<Dispatch>, shape: Shape) -> Value<Dispatch> {
    let count = shape.num_elements();
    let other = match shape.rank() {
        1 => Shape::new([count, 1]),
        _ => Shape::new([count]),
    };
    reshape(reshape(value, other), shape)
}
