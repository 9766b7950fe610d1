//! The values of a program's tensors while it runs.

use burn_backend::{
    Backend,
    tensor::{BoolTensor, Device, FloatTensor, IntTensor},
};
use burn_ir::{OperationIr, TensorIr};

use crate::ir::{error::ProgramError, half_precision::Half, operation::index, value::Value};

/// The tensors that are alive while a program runs.
pub(crate) struct Env<'a, B: Backend> {
    pub(crate) device: &'a Device<B>,
    values: Vec<Option<Value<B>>>,
    uses: Vec<u32>,
    /// What matrix products of 32 bits are computed in, if not in those.
    pub(crate) half: Option<Half>,
}

/// Runs one operation.
pub(crate) type RunOne<B> = fn(&mut Env<B>, &OperationIr) -> Result<Value<B>, ProgramError>;

impl<'a, B: Backend> Env<'a, B> {
    /// That of a program whose tensors are read as often as `uses` says.
    pub(crate) fn new(device: &'a Device<B>, uses: Vec<u32>, half: Option<Half>) -> Self {
        Self {
            device,
            values: vec![None; uses.len()],
            uses,
            half,
        }
    }

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
    /// Replaces the value of `tensor`, if it is alive, without using it.
    pub(crate) fn update(&mut self, tensor: &TensorIr, change: impl FnOnce(Value<B>) -> Value<B>) {
        let value = &mut self.values[index(tensor)];
        *value = value.take().map(change);
    }
}
