//! Elementwise functions that take a processor long, on all its cores: burn-flex computes them on one.

use burn::backend::{Dispatch, DispatchTensor};
use burn_backend::{
    DType, Shape, Slice, TensorMetadata,
    ops::{ActivationOps, FloatTensorOps},
};
use burn_ir::{
    ActivationOperationIr as Activation, FloatOperationIr as Float, OperationIr, TensorIr,
};
use rayon::prelude::*;

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    quirks::{device::is_flex, gelu_slope::gelu_backward, sigmoid_in_f32},
};

/// Elements that a core computes at a time: few enough to stay in its cache.
const PIECE: usize = 1 << 15;

/// Runs `op` if it is such a function, of enough elements to share.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let function = function(op)?;
    let operands: Vec<&TensorIr> = op.inputs().collect();
    let shape = &operands[0].shape;
    let worthwhile = shape.num_elements() >= 2 * PIECE
        && operands.iter().all(|operand| operand.shape == *shape)
        && is_flex(e.device);
    worthwhile.then(|| {
        let operands = operands.iter().map(|operand| e.float(operand)).collect();
        Ok(Value::Float(spread(operands, function)))
    })
}

/// A function of one or two tensors of the same shape.
type Elementwise = fn(Vec<DispatchTensor>) -> DispatchTensor;

fn function(op: &OperationIr) -> Option<Elementwise> {
    Some(match op {
        OperationIr::Float(_, op) => match op {
            Float::Exp(_) => |x| Dispatch::float_exp(one(x)),
            Float::Log(_) => |x| Dispatch::float_log(one(x)),
            Float::Log1p(_) => |x| Dispatch::float_log1p(one(x)),
            Float::Tanh(_) => |x| Dispatch::float_tanh(one(x)),
            Float::Erf(_) => |x| Dispatch::float_erf(one(x)),
            Float::Sin(_) => |x| Dispatch::float_sin(one(x)),
            Float::Cos(_) => |x| Dispatch::float_cos(one(x)),
            _ => return None,
        },
        OperationIr::Activation(op) => match op {
            Activation::Sigmoid(_) => |x| sigmoid(one(x)),
            Activation::LogSigmoid(_) => |x| Dispatch::log_sigmoid(one(x)),
            Activation::Gelu(_) => |x| Dispatch::gelu(one(x)),
            Activation::LogSigmoidBackward(_) => |mut x| {
                let grad = x.pop().expect("two operands");
                Dispatch::log_sigmoid_backward(one(x), grad)
            },
            Activation::GeluBackward(_) => |mut x| {
                let grad = x.pop().expect("two operands");
                gelu_backward::<Dispatch>(one(x), grad)
            },
            _ => return None,
        },
        _ => return None,
    })
}

fn one(mut operands: Vec<DispatchTensor>) -> DispatchTensor {
    operands.pop().expect("an operand")
}

/// `1 / (1 + exp(-x))`. In f32, four passes that use vector instructions are faster than one that does not, and differ
/// in the last digit; where the exponential overflows, sigmoid is 0 to within 1e-38.
fn sigmoid(x: DispatchTensor) -> DispatchTensor {
    if x.dtype() != DType::F32 {
        return Dispatch::sigmoid(x);
    }
    sigmoid_in_f32::sigmoid(x)
}

/// `function`, piece by piece.
fn spread(operands: Vec<DispatchTensor>, function: Elementwise) -> DispatchTensor {
    let shape = operands[0].shape();
    let count = shape.num_elements();
    let flat: Vec<_> = operands
        .into_iter()
        .map(|operand| Dispatch::float_reshape(operand, Shape::new([count])))
        .collect();
    let pieces = (0..count).into_par_iter().step_by(PIECE).map(|start| {
        let range = [Slice::from(start..count.min(start + PIECE))];
        let piece = |operand: &DispatchTensor| Dispatch::float_slice(operand.clone(), &range);
        function(flat.iter().map(piece).collect())
    });
    Dispatch::float_reshape(Dispatch::float_cat(pieces.collect(), 0), shape)
}
