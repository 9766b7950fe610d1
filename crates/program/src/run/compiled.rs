//! Programs bound to a device.

use std::{fmt, sync::Arc};

use burn::{backend::DispatchTensor, tensor::Device};

use crate::{
    ir::{error::ProgramError, program::Program},
    run::{bound_program::BoundProgram, interpreter, recording::Recorder},
};

/// A program whose constants are kept on a device.
#[derive(Clone)]
pub struct Compiled {
    bound: Arc<BoundProgram>,
    recorder: Option<Arc<Recorder>>,
}

impl Program {
    /// The program as it is, with its constants on `device`.
    pub(crate) fn bind(self, device: &Device) -> Compiled {
        let fits = self.check_types(device.as_dispatch());
        let constants = match fits {
            Ok(()) => interpreter::constants(&self, device.as_dispatch()),
            Err(_) => Vec::new(),
        };
        let bound = BoundProgram {
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
    /// [`ProgramError::Arity`] and [`ProgramError::Input`] if the tensors do not fit; [`ProgramError::Type`] if the
    /// device lacks a type of the program's; [`ProgramError::Unsupported`].
    pub fn run(&self, inputs: Vec<DispatchTensor>) -> Result<Vec<DispatchTensor>, ProgramError> {
        self.bound.fits.clone()?;
        self.bound.program.check(&inputs)?;
        match &self.recorder {
            Some(recorder) => recorder.run(&self.bound, inputs),
            None => self.bound.launch(inputs),
        }
    }

    /// The same program, whose run is recorded after a few times on a device that can (through wgpu and CUDA), and from
    /// then on replayed: one launch, or one in a row, instead of one decided on for each kernel. It takes less time
    /// where kernels are small. The results are the same; on other devices, and for programs that sort, which Burn does
    /// on the host, nothing changes.
    ///
    /// While a run is recorded, in one of the first calls or when an argument that was always the same tensor is
    /// another one for the first time, no other thread may compute on the device: what it launches would be recorded,
    /// not run. Memory that a recorded run needs is kept for as long as the program.
    #[must_use]
    pub fn recorded(self) -> Self {
        Self {
            recorder: Some(Arc::new(Recorder::of(self.program()))),
            ..self
        }
    }

    /// The same program in at most `bytes` of results at once, as [`Program::recompute`] says, if that can be had. What
    /// is [`recorded`](Self::recorded) is to be recorded after this.
    ///
    /// # Errors
    /// As [`Program::recompute`].
    pub fn recomputing(&self, varying: &[usize], bytes: usize) -> Result<Self, ProgramError> {
        Ok(self
            .program()
            .recompute(varying, bytes)?
            .bind(self.device()))
    }

    /// Whether a run was recorded and is replayed.
    pub fn is_recorded(&self) -> bool {
        let recorder = self.recorder.as_ref();
        recorder.is_some_and(|recorder| recorder.is_recorded())
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

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled")
            .field("program", self.program())
            .field("device", self.device())
            .field("recorded", &self.is_recorded())
            .finish()
    }
}
