//! What can go wrong while a response function is computed.

use backdraft_curvature::CurvatureError;

use crate::{Minimum, SolveError};

/// Error of a response function. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// The objective's gradient did not become small enough.
    #[error(
        "the response was not minimised: after {steps} steps the gradient is {:.1e} of its first norm, above {tolerance:.1e}. \
         Raise the damping or the tolerance, or compute in f64",
        .minimum.relative_gradient()
    )]
    NotConverged {
        /// Steps made.
        steps: usize,
        /// The relative gradient norm asked for.
        tolerance: f64,
        /// The best parameters found.
        minimum: Box<Minimum>,
    },
    /// The objective or its gradient became NaN or infinite.
    #[error("the response diverged: its gradient is not finite. Raise the damping")]
    Diverged,
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A system could not be solved.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
}
