//! Transposed tensors whose last dimension had one element.
//!
//! - Fault: moved forward, that dimension keeps a stride of one, and burn-fusion computes kernels of several outputs at
//!   the wrong places: from `x.transpose()` of a column, or from a layer's pictures of one channel, which are
//!   transposed inside it. Burn 0.22.1.
//! - Way round: where the order of the elements stays, another shape of the same memory will do; otherwise they are put
//!   in order.
//! - It may go when `turned_tensors_agree_with_the_processor` in `tests/tests/across/fused.rs` passes without it. No
//!   test tells by itself.

use burn::backend::Dispatch;
use burn_backend::{
    Shape,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
};
use burn_ir::{BaseOperationIr as Base, ModuleOperationIr as Module, OperationIr, TensorIr};

use crate::{
    ir::{
        environment::{Env, RunOne},
        error::ProgramError,
        value::Value::{self, *},
    },
    quirks::{device::fuses, materialize::materialized},
};

/// Runs `op` if it turns a tensor with such a dimension, or is a layer whose pictures or sequences have one channel.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
    run: RunOne<Dispatch>,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    match op {
        OperationIr::BaseFloat(base) | OperationIr::BaseInt(base) | OperationIr::BaseBool(base) => {
            let (input, axes) = turn(base)?;
            let last = input.shape.last().copied();
            (last == Some(1) && fuses(e.device)).then(|| Ok(turned(e, input, &axes)))
        }
        OperationIr::Module(module) => {
            let shape = op.outputs().next()?.shape.clone();
            let one_channel = shape.rank() > 2 && shape[channels(module)] == 1;
            (one_channel && fuses(e.device)).then(|| {
                let value = run(e, op)?;
                Ok(materialized(value, shape))
            })
        }
        _ => None,
    }
}

/// The dimension of a layer's result that Burn computes last. A kernel's gradient is computed as pictures, and turned.
fn channels(op: &Module) -> usize {
    match op {
        Module::Conv1dWeightBackward(_)
        | Module::Conv2dWeightBackward(_)
        | Module::Conv3dWeightBackward(_)
        | Module::ConvTranspose1dWeightBackward(_)
        | Module::ConvTranspose2dWeightBackward(_)
        | Module::ConvTranspose3dWeightBackward(_) => 0,
        _ => 1,
    }
}

/// What is turned, and where each dimension of the result comes from.
fn turn(op: &Base) -> Option<(&TensorIr, Vec<usize>)> {
    match op {
        Base::SwapDims(d) => {
            let mut axes: Vec<usize> = (0..d.input.shape.rank()).collect();
            axes.swap(d.dim1, d.dim2);
            Some((&d.input, axes))
        }
        Base::Permute(d) => Some((&d.input, d.axes.clone())),
        _ => None,
    }
}

fn turned(e: &mut Env<Dispatch>, input: &TensorIr, axes: &[usize]) -> Value<Dispatch> {
    let shape = &input.shape;
    let out: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
    let out = Shape::from(out);
    let value = e.take(input);
    if axes.iter().filter(|&&axis| shape[axis] != 1).is_sorted() {
        return value.reshape(out);
    }
    let turned = match value {
        Float(x) => Float(Dispatch::float_permute(x, axes)),
        Int(x) => Int(Dispatch::int_permute(x, axes)),
        Bool(x) => Bool(Dispatch::bool_permute(x, axes)),
    };
    materialized(turned, out)
}
