//! Masks that stay out of matrix products' kernels.
//!
//! Burn's fusion (0.22) chooses the width of a kernel's vectors by its smallest elements. Booleans of one byte, as on CUDA, make it
//! 16, and then none of the kernels for a product that use tensor cores will do: the product of relu's tangent, which a mask
//! follows, took 12 ms where others of its size take 0.03.
//!
//! - The derivative of relu is a factor of 0 or 1 instead: a mask that no other kernel reads.
//! - What is compared, or masked by booleans of one byte, is read from memory, not from the product before it.

use burn::backend::Dispatch;
use burn_backend::{
    BoolStore, DType, get_or_init_device_settings, ops::FloatTensorOps, tensor::FloatTensor,
};
use burn_ir::{ActivationOperationIr as Activation, OperationIr, TensorIr};

use super::{Env, fuses, in_order};
use crate::{ProgramError, program::index, replay::operation, value::Value};

/// Runs `op` if it is the derivative of relu, or reads or makes such a mask.
pub(super) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::Activation(Activation::ReluBackward(d)) => fuses(e.device).then(|| {
            let step = step(e.float(&d.lhs), e);
            let slope = Dispatch::float_mul(e.float(&d.rhs), step);
            Ok(Value::Float(slope))
        }),
        OperationIr::BaseFloat(_) | OperationIr::NumericFloat(..) => {
            let byte = |tensor: &TensorIr| tensor.dtype == DType::Bool(BoolStore::U8);
            let bytes = op.inputs().chain(op.outputs()).any(byte);
            (bytes && fuses(e.device)).then(|| {
                let floats = op.inputs().filter(|tensor| tensor.dtype.is_float());
                floats.for_each(|tensor| read(e, tensor));
                operation(e, op)
            })
        }
        _ => None,
    }
}

/// 1 where `x` is positive, else 0.
fn step(x: FloatTensor<Dispatch>, e: &Env<Dispatch>) -> FloatTensor<Dispatch> {
    let dtype = get_or_init_device_settings::<Dispatch>(e.device).bool_dtype;
    let off = Dispatch::float_lower_equal_elem(x.clone(), 0.0.into(), dtype);
    let ones = Dispatch::float_clamp(x, 1.0.into(), 1.0.into());
    Dispatch::float_mask_fill(ones, off, 0.0.into())
}

/// What reads `tensor` from now on reads it from memory.
fn read(e: &mut Env<Dispatch>, tensor: &TensorIr) {
    let value = &mut e.values[index(tensor)];
    *value = value.take().map(|it| in_order(it, tensor.shape.clone()));
}
