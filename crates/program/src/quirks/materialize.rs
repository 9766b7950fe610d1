//! Tensors that a kernel reads from memory, and not from the kernel before it.

use burn::backend::Dispatch;
use burn_backend::Shape;

use crate::ir::value::Value;

/// The value with its elements in the order of its dimensions, as a tensor of its own; the memory stays if they are in
/// order.
pub(crate) fn materialized(value: Value<Dispatch>, shape: Shape) -> Value<Dispatch> {
    let count = shape.num_elements();
    let other = match shape.rank() {
        1 => Shape::new([count, 1]),
        _ => Shape::new([count]),
    };
    value.reshape(other).reshape(shape)
}
