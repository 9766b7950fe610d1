//! What can go wrong while a response function is computed.

use backdraft_curvature::{CurvatureError, is_out_of_memory};
use burn::tensor::TensorReadError;

use super::Minimum;
use crate::{SolveError, memory::remedy};

/// Error of a response function. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The objective's gradient did not become small enough.
    #[error(
        "the response was not minimised: after {steps} steps the gradient is {:.1e} of its first norm, above {tolerance:.1e}, and \
         the last ten steps made {:.1e} of the objective's decrease. Raise the number of steps, the tolerances, or the damping of a \
         proximal objective",
        .minimum.relative_gradient(), .minimum.relative_decrease()
    )]
    NotConverged {
        /// Steps made.
        steps: usize,
        /// The relative gradient norm asked for.
        tolerance: f64,
        /// The best parameters found.
        minimum: Box<Minimum>,
    },
    /// The objective has no minimum near the trained parameters: the removed example's loss grows faster than the other
    /// terms, so that the objective falls without end, or curves downwards where its gradient vanishes.
    #[error(
        "the response diverged: with the weight taken off the examples, the objective has no minimum near the trained parameters. \
         Take less weight off, raise the damping of a proximal objective, or add an L2 term"
    )]
    Diverged,
    /// A descent by batches ended higher than it began.
    #[error(
        "the objective grew from {from:.3e} to {to:.3e} in {steps} steps: lower the learning rate"
    )]
    Grew {
        /// Its value before the first step.
        from: f64,
        /// Its value after the last.
        to: f64,
        /// Steps made.
        steps: usize,
    },
    /// A descent by batches came to numbers that are NaN or infinite.
    #[error("the descent came to NaN or infinity by step {step}: lower the learning rate")]
    NotFinite {
        /// The step at which it was seen.
        step: usize,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
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

impl From<SolveError> for ResponseError {
    fn from(error: SolveError) -> Self {
        match error {
            SolveError::Curvature(error) => Self::Curvature(error),
            SolveError::Read(error) => Self::Read(error),
            error => Self::Solve(Box::new(error)),
        }
    }
}

impl ResponseError {
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
}
