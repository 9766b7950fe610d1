//! Programs bound to a device.

use std::fmt;

use burn::{
    backend::{Dispatch, DispatchTensor},
    tensor::Device,
};

use crate::{Program, ProgramError, replay, value::Value};

/// A program whose constants are kept on a device.
#[derive(Clone)]
pub struct Compiled {
    program: Program,
    device: Device,
    constants: Vec<Value<Dispatch>>,
}

impl Program {
    /// The program with its constants on `device`, ready to be run often, and its matrix products in the order that suits the
    /// device.
    pub fn compile(self, device: &Device) -> Compiled {
        let program = self.arrange().and_then(Self::combine);
        let program = program.expect("only the form of products changes");
        let constants = replay::constants(&program, device.as_dispatch());
        Compiled {
            program,
            device: device.clone(),
            constants,
        }
    }
}

impl Compiled {
    /// Runs the program.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] and [`ProgramError::Input`] if the tensors do not fit; [`ProgramError::Unsupported`].
    pub fn run(&self, inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        self.program.check(&inputs)?;
        let inputs = inputs.into_iter().map(Value::from).collect();
        let device = self.device.as_dispatch();
        let outputs = replay::replay(&self.program, device, inputs, &self.constants)?;
        Ok(outputs.into_iter().map(Into::into).collect())
    }

    /// What it runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.device
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("program", &self.program)
            .field("device", &self.device)
            .finish()
    }
}
