//! What can go wrong while a flow is followed.

use burn::tensor::TensorReadError;

use crate::ResponseError;

/// Error of a flow. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlowError {
    /// The steps that there may be did not suffice.
    #[error(
        "the flow came to time {time:.6e} of {end:.6e} in {steps} steps, the last of size {size:.1e}: it takes about {:.0} more. \
         Raise the number of steps, end it earlier, or loosen the tolerance. Where the curvature is large, steps stay short whatever \
         the tolerance: scale inputs down. Where the network has kinks (ReLU), a flow may slide along one in tiny steps: take a smooth \
         activation",
        ((.end - .time) / .size).ceil()
    )]
    TooManySteps {
        /// Steps tried.
        steps: usize,
        /// The time come to.
        time: f64,
        /// The time asked for.
        end: f64,
        /// Size of the last step.
        size: f64,
    },
    /// Even the shortest step comes to NaN or infinity, or to an error above the tolerance.
    #[error(
        "the flow cannot be followed beyond time {time:.6e}: even a step of {size:.1e} comes to NaN or infinity, or to an error above \
         the tolerance. Where so much weight is taken off that the objective falls without end, take less off or add an L2 term; \
         else loosen the tolerance, or compute in f64"
    )]
    Diverged {
        /// The time come to.
        time: f64,
        /// Size of the shortest step tried.
        size: f64,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The objective or its gradient could not be computed.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

impl From<TensorReadError> for FlowError {
    fn from(error: TensorReadError) -> Self {
        Self::Response(error.into())
    }
}

impl FlowError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }
}
