//! What can go wrong while an illustration is computed.

use backdraft_curvature::CurvatureError;
use backdraft_influence::{ResponseError, SolveError, path::FlowError};
use backdraft_models::TrainError;
use burn::tensor::TensorReadError;

/// Error of an illustration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IllustrationError {
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A device without numbers of 64 bits.
    #[error(
        "illustrations are computed in 64 bits, which this device has not: take `Device::flex()`"
    )]
    Precision,
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// A minimum could not be found.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// A system could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A flow could not be followed.
    #[error(transparent)]
    Flow(#[from] FlowError),
    /// The network could not be trained.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A result could not be read back from the device.
    #[error("a result could not be read back from the device: {0}")]
    Read(#[from] TensorReadError),
}

impl IllustrationError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }

    /// Refuses a number that is not positive and finite.
    pub(super) fn check_positive(name: &'static str, value: f64) -> Result<(), Self> {
        match value.is_finite() && value > 0.0 {
            true => Ok(()),
            false => Err(Self::setting(
                name,
                format!("is {value:?}, must be positive and finite"),
            )),
        }
    }

    /// Refuses fewer than `least`.
    pub(super) fn check_count(name: &'static str, value: usize, least: usize) -> Result<(), Self> {
        match value >= least {
            true => Ok(()),
            false => Err(Self::setting(
                name,
                format!("is {value}, must be at least {least}"),
            )),
        }
    }

    /// Refuses an example beyond the last.
    pub(super) fn check_example(example: usize, examples: usize) -> Result<(), Self> {
        match example < examples {
            true => Ok(()),
            false => Err(Self::setting(
                "example",
                format!("is {example}: there are {examples}, counted from 0"),
            )),
        }
    }
}
