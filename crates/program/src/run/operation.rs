//! Run one operation as the backend has it.

use burn_backend::Backend;
use burn_ir::OperationIr;

use crate::{
    ir::{environment::Env, error::ProgramError, value::Value},
    run::{boolean, float, int, module},
};

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
        | OperationIr::Distributed(_) => Err(ProgramError::not_replayed(op)),
    }
}
