//! Run a program on any backend: on a device, on the recording backend, or on a decorated one that differentiates it.

use std::fmt::Debug;

use backdraft_forward::catch_unsupported;
use burn_backend::{
    Backend, TensorData,
    tensor::{BoolTensor, Device, FloatTensor, IntTensor},
};
use burn_ir::{OperationIr, TensorIr};

use crate::{
    ir::{
        error::ProgramError,
        program::{Program, index, name},
        value::Value,
    },
    run::{boolean, float, int, module, target::Target},
    transform::mixed_precision::Half,
};

/// The tensors that are alive while a program runs.
pub(crate) struct Env<'a, B: Backend> {
    pub(crate) device: &'a Device<B>,
    pub(crate) values: Vec<Option<Value<B>>>,
    uses: Vec<u32>,
    /// What matrix products of 32 bits are computed in, if not in those.
    pub(crate) half: Option<Half>,
}

impl<B: Backend> Env<'_, B> {
    /// The value of `tensor`; at its last use it is handed over, so that the backend may reuse its memory.
    pub(crate) fn take(&mut self, tensor: &TensorIr) -> Value<B> {
        let i = index(tensor);
        self.uses[i] -= 1;
        let value = if self.uses[i] == 0 {
            self.values[i].take()
        } else {
            self.values[i].clone()
        };
        value.expect("programs are in single assignment and in order")
    }

    pub(crate) fn float(&mut self, tensor: &TensorIr) -> FloatTensor<B> {
        match self.take(tensor) {
            Value::Float(t) => t,
            _ => panic!("tensor {} is not a float tensor", tensor.id),
        }
    }

    pub(crate) fn int(&mut self, tensor: &TensorIr) -> IntTensor<B> {
        match self.take(tensor) {
            Value::Int(t) => t,
            _ => panic!("tensor {} is not an int tensor", tensor.id),
        }
    }

    pub(crate) fn bool(&mut self, tensor: &TensorIr) -> BoolTensor<B> {
        match self.take(tensor) {
            Value::Bool(t) => t,
            _ => panic!("tensor {} is not a bool tensor", tensor.id),
        }
    }

    pub(crate) fn put(&mut self, tensor: &TensorIr, value: Value<B>) {
        let i = index(tensor);
        if self.uses[i] > 0 {
            self.values[i] = Some(value);
        }
    }
}

pub(crate) fn unsupported<B: Backend>(op: &impl Debug) -> Result<Value<B>, ProgramError> {
    Err(ProgramError::Unsupported {
        operation: name(op),
        reason: "programs cannot replay it",
        place: None,
    })
}

/// The program's constants on `device`.
pub(crate) fn constants<B: Backend>(program: &Program, device: &Device<B>) -> Vec<Value<B>> {
    program
        .constants
        .iter()
        .map(|(_, data)| upload(TensorData::clone(data), device))
        .collect()
}

fn upload<B: Backend>(data: TensorData, device: &Device<B>) -> Value<B> {
    let dtype = data.dtype();
    if dtype.is_float() {
        Value::Float(B::float_from_data(data, device))
    } else if dtype.is_bool() {
        Value::Bool(B::bool_from_data(data, device))
    } else {
        Value::Int(B::int_from_data(data, device))
    }
}

/// The program's outputs for `inputs`, which must have the program's shapes, types and number.
pub(crate) fn replay<B: Target>(
    program: &Program,
    device: &Device<B>,
    inputs: Vec<Value<B>>,
    constants: &[Value<B>],
) -> Result<Vec<Value<B>>, ProgramError> {
    replay_in(None, program, device, inputs, constants)
}

/// The same with matrix products in `half`.
pub(crate) fn replay_in<B: Target>(
    half: Option<Half>,
    program: &Program,
    device: &Device<B>,
    inputs: Vec<Value<B>>,
    constants: &[Value<B>],
) -> Result<Vec<Value<B>>, ProgramError> {
    let uses = program.uses.clone();
    let mut env = Env {
        device,
        values: vec![None; uses.len()],
        uses,
        half,
    };
    for (tensor, value) in program.inputs.iter().zip(inputs) {
        env.put(tensor, value);
    }
    for ((tensor, _), value) in program.constants.iter().zip(constants) {
        env.put(tensor, value.clone());
    }
    for (position, op) in program.operations.iter().enumerate() {
        let value = run(&mut env, op).map_err(|error| program.locate(error, position))?;
        if let Some(out) = op.outputs().next() {
            env.put(out, value);
        }
    }
    Ok(program
        .outputs
        .iter()
        .map(|tensor| env.take(tensor))
        .collect())
}

fn run<B: Target>(env: &mut Env<B>, op: &OperationIr) -> Result<Value<B>, ProgramError> {
    let ran = catch_unsupported(|| match B::special(env, op) {
        Some(value) => value,
        None => operation(env, op),
    });
    ran.unwrap_or_else(|error| {
        Err(ProgramError::Unsupported {
            operation: error.operation.into(),
            reason: "it has no forward-mode rule",
            place: None,
        })
    })
}

/// Runs one operation. Its first output is returned; others are stored.
pub(crate) fn operation<B: Backend>(
    env: &mut Env<B>,
    op: &OperationIr,
) -> Result<Value<B>, ProgramError> {
    match op {
        OperationIr::BaseFloat(op) => float::base(env, op),
        OperationIr::NumericFloat(_, op) => float::numeric(env, op),
        OperationIr::Float(_, op) => float::float(env, op),
        OperationIr::BaseInt(op) => int::base(env, op),
        OperationIr::NumericInt(_, op) => int::numeric(env, op),
        OperationIr::Int(op) => int::int(env, op),
        OperationIr::BaseBool(op) => boolean::base(env, op),
        OperationIr::Bool(op) => boolean::boolean(env, op),
        OperationIr::Module(op) => module::module(env, op),
        OperationIr::Activation(op) => module::activation(env, op),
        OperationIr::Init(_)
        | OperationIr::Custom(_)
        | OperationIr::Drop(_)
        | OperationIr::Distributed(_) => unsupported::<B>(op),
    }
}
