//! Masks that stay out of matrix products' kernels.
//!
//! - Fault: burn-fusion chooses the width of a kernel's vectors by its smallest elements. Burn 0.22.1. Booleans of one
//!   byte, as on CUDA and with SPIR-V, make it 16, and then none of the kernels for a product that use tensor cores
//!   will do: the product of relu's tangent, which a mask follows, took 12 ms on an H200 where others of its size took
//!   0.03 (docs/performance.md).
//! - Way round: the derivative of relu is a factor of 0 or 1, a mask that no other kernel reads; and what is compared,
//!   or masked by booleans of one byte, is read from memory, not from the product before it.
//! - It may go when the products of `backdraft bench products` on CUDA take as long without it. It is a matter of time,
//!   so no test tells.

use burn::backend::Dispatch;
use burn_backend::{
    BoolDType, BoolStore, DType, get_or_init_device_settings, ops::FloatTensorOps,
    tensor::FloatTensor,
};
use burn_ir::{ActivationOperationIr as Activation, OperationIr, TensorIr};

use crate::{
    ir::{
        environment::{Env, RunOne},
        error::ProgramError,
        value::Value,
    },
    quirks::{device::fuses, materialize::materialized},
};

const BYTE: DType = DType::Bool(BoolStore::U8);

/// Runs `op` if it is the derivative of relu, or reads or makes such a mask.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
    run: RunOne<Dispatch>,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::Activation(Activation::ReluBackward(d)) => {
            let bools = get_or_init_device_settings::<Dispatch>(e.device).bool_dtype;
            (DType::from(bools) == BYTE && fuses(e.device)).then(|| {
                let step = step(e.float(&d.lhs), bools);
                Ok(Value::Float(Dispatch::float_mul(e.float(&d.rhs), step)))
            })
        }
        OperationIr::BaseFloat(_) | OperationIr::NumericFloat(..) => {
            let mut tensors = op.inputs().chain(op.outputs());
            let bytes = tensors.any(|tensor| tensor.dtype == BYTE);
            (bytes && fuses(e.device)).then(|| {
                let floats = op.inputs().filter(|tensor| tensor.dtype.is_float());
                floats.for_each(|tensor| read(e, tensor));
                run(e, op)
            })
        }
        _ => None,
    }
}

/// 1 where `x` is positive, else 0.
fn step(x: FloatTensor<Dispatch>, bools: BoolDType) -> FloatTensor<Dispatch> {
    let off = Dispatch::float_lower_equal_elem(x.clone(), 0.0.into(), bools);
    let ones = Dispatch::float_clamp(x, 1.0.into(), 1.0.into());
    Dispatch::float_mask_fill(ones, off, 0.0.into())
}

/// What reads `tensor` from now on reads it from memory.
fn read(e: &mut Env<Dispatch>, tensor: &TensorIr) {
    e.update(tensor, |value| materialized(value, tensor.shape.clone()));
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;

    #[test]
    fn the_step_is_relus_derivative() {
        let device = Device::flex();
        let x = [-2.0_f32, -1e-40, -0.0, 0.0, 1e-40, 0.5, 3.0, f32::INFINITY];
        let x = Tensor::<1>::from_floats(x, &device).into_dispatch();
        let found = Tensor::<1>::from_dispatch(step(x, device.settings().bool_dtype));
        let found = found.into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(found, [0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]);
    }
}
