//! Programs bound to a device.

mod align;
mod arrange;
mod combine;
mod schedule;
mod work;

use std::fmt;

use burn::{
    backend::{Backend, Dispatch, DispatchTensor},
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
    /// The program with its constants on `device`, ready to be run often, and in the form that suits the device: its matrix
    /// products and convolutions on processors, the order of its operations elsewhere.
    pub fn compile(self, device: &Device) -> Compiled {
        let program = if is_processor(device) {
            self.arrange().and_then(Self::combine)
        } else {
            self.align().and_then(Self::schedule)
        };
        let program = program.expect("only form and order change");
        let constants = replay::constants(&program, device.as_dispatch());
        Compiled {
            program,
            device: device.clone(),
            constants,
        }
    }
}

/// Whether operations run at once, one by one, and not in kernels that Burn puts together.
fn is_processor(device: &Device) -> bool {
    let name = Dispatch::name(device.as_dispatch());
    matches!(name.as_str(), "dispatch<flex>" | "dispatch<ndarray>")
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

#[cfg(test)]
mod testing {
    use burn::tensor::{Shape, Tensor, TensorData};
    use burn_backend::{TensorMetadata, ops::FloatTensorOps};

    use super::{Device, Dispatch, Program};

    /// The results of `program`, as it is, flat.
    pub(super) fn on_flex(program: &Program, inputs: &[TensorData]) -> Vec<TensorData> {
        let device = Device::flex();
        let inputs = inputs.iter().cloned();
        let inputs = inputs.map(|data| Dispatch::float_from_data(data, device.as_dispatch()));
        let results = program.call(inputs.collect()).expect("it runs");
        let flat = results.into_iter().map(|tensor| {
            let count = tensor.shape().num_elements();
            Tensor::<1>::from_dispatch(Dispatch::float_reshape(tensor, Shape::new([count])))
        });
        flat.map(Tensor::into_data).collect()
    }
}
