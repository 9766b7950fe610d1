//! Run a program on any backend: on a device, on the recording backend, or on a decorated one that differentiates it.

use backdraft_forward::catch_unsupported;
use burn_backend::{Backend, TensorData, tensor::Device};
use burn_ir::OperationIr;

use crate::{
    ir::{
        environment::Env, error::ProgramError, half_precision::Half, program::Program, value::Value,
    },
    run::{operation::operation, replay_backend::ReplayBackend},
};

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
pub(crate) fn replay<B: ReplayBackend>(
    program: &Program,
    device: &Device<B>,
    inputs: Vec<Value<B>>,
    constants: &[Value<B>],
) -> Result<Vec<Value<B>>, ProgramError> {
    replay_in(None, program, device, inputs, constants)
}

/// The same with matrix products in `half`.
pub(crate) fn replay_in<B: ReplayBackend>(
    half: Option<Half>,
    program: &Program,
    device: &Device<B>,
    inputs: Vec<Value<B>>,
    constants: &[Value<B>],
) -> Result<Vec<Value<B>>, ProgramError> {
    let mut env = Env::new(device, program.uses.clone(), half);
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

fn run<B: ReplayBackend>(env: &mut Env<B>, op: &OperationIr) -> Result<Value<B>, ProgramError> {
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
