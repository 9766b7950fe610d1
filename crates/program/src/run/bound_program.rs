//! A program and the device that it runs on.

use burn::{
    backend::{Dispatch, DispatchTensor},
    tensor::Device,
};

use crate::{
    ir::{error::ProgramError, program::Program, value::Value},
    run::interpreter,
};

/// A program whose constants are on a device.
pub(crate) struct BoundProgram {
    pub(crate) program: Program,
    pub(crate) device: Device,
    pub(crate) constants: Vec<Value<Dispatch>>,
    /// Whether the device has the program's types.
    pub(crate) fits: Result<(), ProgramError>,
}

impl BoundProgram {
    pub(crate) fn launch(
        &self,
        inputs: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let inputs = inputs.into_iter().map(Value::from).collect();
        let device = self.device.as_dispatch();
        let outputs = interpreter::replay(&self.program, device, inputs, &self.constants)?;
        Ok(outputs.into_iter().map(Into::into).collect())
    }
}
