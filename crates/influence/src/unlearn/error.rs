//! What can go wrong with unlearning.

use backdraft_curvature::{CurvatureError, is_out_of_memory};
use burn::tensor::TensorReadError;

use crate::{ResponseError, SolveError, memory::remedy};

/// Error of unlearning. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlearnError {
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An example that does not exist.
    #[error("example {index} is to be forgotten, of {len}, counted from 0")]
    Example {
        /// The example.
        index: usize,
        /// How many there are.
        len: usize,
    },
    /// The descent came to numbers that are NaN or infinite.
    #[error("the descent came to NaN or infinity by step {step}: lower the learning rate")]
    NotFinite {
        /// The step at which it was seen, counted from the start of the training.
        step: usize,
    },
    /// No checkpoint was kept where the training is to be taken up.
    #[error(
        "there is no checkpoint at step {step}: the training kept {}", steps(.kept)
    )]
    NoCheckpoint {
        /// Where it would have to be.
        step: usize,
        /// Where there are some.
        kept: Vec<usize>,
    },
    /// What a certificate assumes is not so.
    #[error("no certificate: {reason}")]
    NoCertificate {
        /// What is not, and what would be.
        reason: String,
    },
    /// A system on the way could not be solved.
    #[error(transparent)]
    Solve(Box<SolveError>),
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// The device's memory did not suffice.
    #[error("the device's memory did not suffice{}", remedy(Some(*.batch)))]
    OutOfMemory {
        /// Most examples that went through the network at once.
        batch: usize,
    },
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

/// Steps in words.
fn steps(kept: &[usize]) -> String {
    match kept {
        [] => "none".into(),
        kept => {
            let kept: Vec<String> = kept.iter().map(usize::to_string).collect();
            format!("those at {}", kept.join(", "))
        }
    }
}

impl From<SolveError> for UnlearnError {
    fn from(error: SolveError) -> Self {
        match error {
            SolveError::Curvature(error) => Self::Curvature(error),
            SolveError::Read(error) => Self::Read(error),
            error => Self::Solve(Box::new(error)),
        }
    }
}

impl UnlearnError {
    /// Of a removal that makes no sense, in the words that responses have for it.
    pub(super) fn of_removal(error: ResponseError) -> Self {
        match error {
            ResponseError::Setting { name, problem } => Self::Setting { name, problem },
            ResponseError::Curvature(error) => Self::Curvature(error),
            other => Self::setting("removal", format!("cannot be: {other}")),
        }
    }

    /// The same, with what to do where the memory did not suffice for `batch` examples at once.
    pub(super) fn with_batch(self, batch: usize) -> Self {
        match self {
            Self::Read(error) | Self::Curvature(CurvatureError::Device(error))
                if is_out_of_memory(&error.to_string()) =>
            {
                Self::OutOfMemory { batch }
            }
            error => error,
        }
    }

    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }

    pub(super) fn no_certificate(reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self::NoCertificate { reason }
    }
}
