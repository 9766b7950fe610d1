//! What can go wrong while a path is followed.

use backdraft_curvature::CurvatureError;
use burn::tensor::TensorReadError;

use crate::{SolveError, response::ResponseError};

/// Error of a path. The message says what to change. That a path ends before `eps = 0` is none:
/// [`PathEnd`](super::PathEnd).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// The path has no beginning: no minimum was found from the trained parameters.
    #[error(
        "no minimum of the objective was found near the trained parameters, at which the path would begin: {cause}. Train to the \
         minimum, take the Bregman objective, of which the trained parameters are the minimum, or raise the damping or the L2 term"
    )]
    NoStart {
        /// What happened instead.
        cause: String,
    },
    /// A setting that makes no sense.
    #[error("the setting `{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// An objective could not be computed or minimised, or a system not solved.
    #[error(transparent)]
    Response(#[from] ResponseError),
}

impl PathError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }
}

impl From<SolveError> for PathError {
    fn from(error: SolveError) -> Self {
        Self::Response(error.into())
    }
}

impl From<CurvatureError> for PathError {
    fn from(error: CurvatureError) -> Self {
        Self::Response(error.into())
    }
}

impl From<TensorReadError> for PathError {
    fn from(error: TensorReadError) -> Self {
        Self::Response(error.into())
    }
}
