//! What can go wrong in an evaluation.

use backdraft_curvature::CurvatureError;
use backdraft_influence::{ResponseError, SolveError};

use super::Stage;
use crate::{RetrainError, StoreError, recoverable::Recoverable};

/// Error of an evaluation. The message says what to change.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// A setting, or an argument, that makes no sense.
    #[error("`{name}` {problem}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// No removal came to its end.
    #[error("none of {count} removals came to its end; the first failed at {stage}: {reason}")]
    AllFailed {
        /// The number of removals.
        count: usize,
        /// What was being computed of the first.
        stage: Stage,
        /// Why it ended.
        reason: String,
    },
    /// A result that is NaN or infinite.
    #[error(
        "{what} came out NaN or infinite: the parameters of that stage are finite and the network's outputs there are not, or are too \
         large to be added up. Lower the learning rate, or compute in f64"
    )]
    NotFinite {
        /// The result.
        what: &'static str,
    },
    /// Training again failed.
    #[error(transparent)]
    Retrain(#[from] RetrainError),
    /// A response could not be computed.
    #[error(transparent)]
    Response(#[from] ResponseError),
    /// An influence estimate could not be computed.
    #[error(transparent)]
    Solve(#[from] SolveError),
    /// A derivative could not be computed.
    #[error(transparent)]
    Curvature(#[from] CurvatureError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl EvaluateError {
    pub(super) fn setting(name: &'static str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        Self::Setting { name, problem }
    }

    /// Whether an evaluation with another setting may go well nevertheless: for [`sweep`](super::sweep()).
    pub fn concerns_one_value(&self) -> bool {
        match self {
            Self::AllFailed { .. }
            | Self::NotFinite { .. }
            | Self::Response(_)
            | Self::Solve(_) => true,
            Self::Retrain(error) => error.concerns_one_removal(),
            Self::Setting { .. } | Self::Curvature(_) | Self::Store(_) => false,
        }
    }

    /// Whether other removals may go well nevertheless.
    fn concerns_one_removal(&self) -> bool {
        match self {
            Self::NotFinite { .. } => true,
            Self::Response(error) | Self::Retrain(RetrainError::Response(error)) => {
                error.concerns_one_removal()
            }
            Self::Retrain(error) => error.concerns_one_removal(),
            Self::Solve(error) => error.concerns_one_removal(),
            Self::Curvature(error) => error.concerns_one_removal(),
            _ => false,
        }
    }
}

/// Why a stage found nothing.
pub(super) enum StageError {
    /// The removal is given up, the others go on.
    Removal(String),
    /// Nothing can go on.
    Run(EvaluateError),
}

impl<E: Into<EvaluateError>> From<E> for StageError {
    fn from(error: E) -> Self {
        let error = error.into();
        match error.concerns_one_removal() {
            true => Self::Removal(error.to_string()),
            false => Self::Run(error),
        }
    }
}
