//! Programs bound to a device.

use std::{fmt, sync::Arc};

use burn::{
    backend::{Dispatch, DispatchTensor},
    tensor::Device,
};
use burn_ir::{BaseOperationIr as Base, OperationIr, TensorIr};

use crate::{
    ir::{
        error::ProgramError,
        program::{Program, index},
        value::Value,
    },
    run::{
        interpreter,
        recording::{Recorder, owned},
    },
};

/// A program whose constants are kept on a device.
#[derive(Clone)]
pub struct Compiled {
    bound: Arc<Bound>,
    recorder: Option<Arc<Recorder>>,
}

pub(crate) struct Bound {
    pub(crate) program: Program,
    pub(crate) device: Device,
    constants: Vec<Value<Dispatch>>,
    /// Whether the device has the program's types.
    fits: Result<(), ProgramError>,
}

impl Program {
    /// The program with its constants on `device`, ready to be run often, and its matrix products in the order that suits the
    /// device.
    pub fn compile(self, device: &Device) -> Compiled {
        let program = self.arrange().and_then(Self::combine);
        program
            .expect("only the form of products changes")
            .bind(device)
    }

    /// The program as it is, with its constants on `device`.
    fn bind(self, device: &Device) -> Compiled {
        let fits = self.check_types(device.as_dispatch());
        let constants = match fits {
            Ok(()) => interpreter::constants(&self, device.as_dispatch()),
            Err(_) => Vec::new(),
        };
        let bound = Bound {
            program: self,
            device: device.clone(),
            constants,
            fits,
        };
        Compiled {
            bound: Arc::new(bound),
            recorder: None,
        }
    }
}

impl Compiled {
    /// Runs the program.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] and [`ProgramError::Input`] if the tensors do not fit; [`ProgramError::Type`] if the device lacks a
    /// type of the program's; [`ProgramError::Unsupported`].
    pub fn run(&self, inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        self.bound.fits.clone()?;
        self.bound.program.check(&inputs)?;
        match &self.recorder {
            Some(recorder) => recorder.run(&self.bound, inputs),
            None => self.bound.launch(inputs),
        }
    }

    /// The same program, whose run is recorded after a few times on a device that can (through wgpu and CUDA), and from then on
    /// replayed: one launch, or one in a row, instead of one decided on for each kernel. It takes less time where kernels are
    /// small. The results are the same; on other devices, and for programs that sort, which Burn does on the host, nothing changes.
    ///
    /// While a run is recorded, in one of the first calls or when an argument that was always the same tensor is another one for
    /// the first time, no other thread may compute on the device: what it launches would be recorded, not run. Memory that a
    /// recorded run needs is kept for as long as the program.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self {
            recorder: Some(Arc::new(Recorder::of(self.program()))),
            ..self
        }
    }

    /// Whether a run was recorded and is replayed.
    pub fn is_recorded(&self) -> bool {
        let recorder = self.recorder.as_ref();
        recorder.is_some_and(|recorder| recorder.is_recorded())
    }

    /// What `then` makes of some arguments and this program's outputs, as one program: of `(arguments .., own arguments ..)`.
    ///
    /// # Errors
    /// [`ProgramError::Arity`] if `then` takes fewer tensors than this program gives; those of [`Program::trace`].
    pub fn then(&self, then: &Self) -> Result<Self, ProgramError> {
        let (first, then) = (self.program(), then.program());
        let (expected, found) = (then.inputs.len(), first.outputs.len());
        let more = expected
            .checked_sub(found)
            .ok_or(ProgramError::Arity { expected, found })?;
        let mut inputs = then.inputs();
        inputs.truncate(more);
        inputs.extend(first.inputs());
        let whole = Program::trace(first.settings(), &inputs, |mut inputs| {
            let own = inputs.split_off(more);
            inputs.extend(first.call(own)?);
            then.call(inputs)
        })?;
        Ok(whole.bind(self.device()))
    }

    /// What it runs.
    pub fn program(&self) -> &Program {
        &self.bound.program
    }

    /// Where it runs.
    pub fn device(&self) -> &Device {
        &self.bound.device
    }
}

impl Bound {
    pub(crate) fn launch(
        &self,
        inputs: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let inputs = inputs.into_iter().map(Value::from).collect();
        let device = self.device.as_dispatch();
        let outputs = interpreter::replay(&self.program, device, inputs, &self.constants)?;
        Ok(outputs.into_iter().map(Into::into).collect())
    }

    /// The same, without outputs that are views of inputs.
    pub(crate) fn launch_apart(
        &self,
        inputs: Vec<DispatchTensor>,
    ) -> Result<Vec<DispatchTensor>, ProgramError> {
        let outputs = self.launch(inputs)?.into_iter();
        let views = self
            .program
            .outputs
            .iter()
            .map(|it| self.program.is_view(it));
        let outputs = outputs.zip(views);
        Ok(outputs
            .map(|(output, view)| if view { owned(output) } else { output })
            .collect())
    }
}

impl Program {
    /// Whether `tensor` may share its memory with an input or a constant, without being one.
    fn is_view(&self, tensor: &TensorIr) -> bool {
        let mut at = index(tensor);
        let mut through = false;
        while let Some(op) = self.operations.iter().find(|op| writes(op, at)) {
            let source = match op {
                OperationIr::BaseFloat(op)
                | OperationIr::BaseInt(op)
                | OperationIr::BaseBool(op) => looked_at(op),
                _ => None,
            };
            let Some(source) = source else { return false };
            (at, through) = (index(source), true);
        }
        through
    }
}

fn writes(op: &OperationIr, tensor: usize) -> bool {
    op.outputs().any(|out| index(out) == tensor)
}

/// The operand of an operation that may give its operand's memory.
fn looked_at(op: &Base) -> Option<&TensorIr> {
    match op {
        Base::Reshape(d) | Base::Expand(d) => Some(&d.input),
        Base::SwapDims(d) => Some(&d.input),
        Base::Permute(d) => Some(&d.input),
        Base::Unfold(d) => Some(&d.input),
        Base::Slice(d) => Some(&d.tensor),
        Base::RepeatDim(d) => Some(&d.tensor),
        Base::Cast(d) => Some(&d.input),
        Base::Cat(d) if d.tensors.len() == 1 => d.tensors.first(),
        _ => None,
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("program", self.program())
            .field("device", self.device())
            .field("recorded", &self.is_recorded())
            .finish()
    }
}
