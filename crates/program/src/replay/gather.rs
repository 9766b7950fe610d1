//! Gathers that keep out of other operations' kernels.
//!
//! Burn's fusion (0.22) lets a gather that finds one element along a dimension into a kernel of tensors that have more of them
//! there, and then reads the indices of its neighbours: one loss a row, found beside a layer's activations, is another row's.
//! Only tensors of as many dimensions share a kernel, so such a gather is given more of them than anything else has.

use burn::backend::Dispatch;
use burn_backend::{
    Backend, Shape, TensorMetadata,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    tensor::{Device, IntTensor},
};
use burn_ir::{BaseOperationIr as Base, GatherOpIr, OperationIr};

use super::Env;
use crate::{ProgramError, value::Value};

/// Dimensions that are put before the others, for each in which one element is found.
const MORE: usize = 4;

/// Runs `op` if it is such a gather.
pub(super) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let (OperationIr::BaseFloat(Base::Gather(d))
    | OperationIr::BaseInt(Base::Gather(d))
    | OperationIr::BaseBool(Base::Gather(d))) = op
    else {
        return None;
    };
    let ones = d.out.shape.iter().filter(|&&len| len == 1).count();
    (ones > 0 && fuses(e.device)).then(|| Ok(apart(e, d, MORE * ones)))
}

/// Whether operations share kernels.
fn fuses(device: &Device<Dispatch>) -> bool {
    Dispatch::name(device).starts_with("dispatch<fusion<")
}

fn apart(e: &mut Env<Dispatch>, d: &GatherOpIr, more: usize) -> Value<Dispatch> {
    let dim = d.dim + more;
    let tensor = e.take(&d.tensor);
    let indices = e.int(&d.indices);
    let shape = longer(indices.shape(), more);
    let indices: IntTensor<Dispatch> = Dispatch::int_reshape(indices, shape);
    let out = d.out.shape.clone();
    match tensor {
        Value::Float(x) => {
            let shape = longer(x.shape(), more);
            let found = Dispatch::float_gather(dim, Dispatch::float_reshape(x, shape), indices);
            Value::Float(Dispatch::float_reshape(found, out))
        }
        Value::Int(x) => {
            let shape = longer(x.shape(), more);
            let found = Dispatch::int_gather(dim, Dispatch::int_reshape(x, shape), indices);
            Value::Int(Dispatch::int_reshape(found, out))
        }
        Value::Bool(x) => {
            let shape = longer(x.shape(), more);
            let found = Dispatch::bool_gather(dim, Dispatch::bool_reshape(x, shape), indices);
            Value::Bool(Dispatch::bool_reshape(found, out))
        }
    }
}

/// `shape` with as many dimensions of one element before it.
fn longer(shape: Shape, more: usize) -> Shape {
    let ones = std::iter::repeat_n(1, more);
    Shape::from(ones.chain(shape.iter().copied()).collect::<Vec<_>>())
}
