//! Run a program on the device of its arguments.

use burn::backend::{DispatchTensor, TensorMetadata};

use crate::{
    ir::{error::ProgramError, program::Program, value::Value},
    run::interpreter,
};

impl Program {
    /// Runs the program on the device of its inputs. While another function is being traced, this records the
    /// operations into that trace, so programs compose.
    ///
    /// For repeated runs prefer [`Program::compile`], which keeps constants on the device.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] and [`ProgramError::Input`] if the tensors do not fit; [`ProgramError::Type`] if the
    /// device lacks a type of the program's; [`ProgramError::Unsupported`].
    pub fn call(&self, inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        let Some(device) = inputs.first().map(|tensor| tensor.device()) else {
            return Err(ProgramError::Arity {
                expected: self.inputs.len(),
                found: 0,
            });
        };
        self.check_types(&device)?;
        self.check(&inputs)?;
        let constants = interpreter::constants(self, &device);
        let inputs = inputs.into_iter().map(Value::from).collect();
        let outputs = interpreter::replay(self, &device, inputs, &constants)?;
        Ok(outputs.into_iter().map(Into::into).collect())
    }
}
