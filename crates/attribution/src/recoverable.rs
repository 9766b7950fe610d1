//! Failures of one removal, after which others may go well.

use backdraft_curvature::CurvatureError;
use backdraft_influence::{ResponseError, SolveError};

/// Whether others may go well nevertheless.
pub(crate) trait Recoverable {
    fn concerns_one_removal(&self) -> bool;
}

impl Recoverable for CurvatureError {
    fn concerns_one_removal(&self) -> bool {
        matches!(self, Self::NotFinite { .. })
    }
}

impl Recoverable for ResponseError {
    fn concerns_one_removal(&self) -> bool {
        match self {
            Self::Diverged
            | Self::NotConverged { .. }
            | Self::Grew { .. }
            | Self::NotFinite { .. } => true,
            Self::Curvature(error) => error.concerns_one_removal(),
            _ => false,
        }
    }
}

impl Recoverable for SolveError {
    fn concerns_one_removal(&self) -> bool {
        match self {
            Self::Diverged { .. } | Self::NegativeCurvature { .. } | Self::NotFinite { .. } => true,
            Self::Curvature(error) => error.concerns_one_removal(),
            _ => false,
        }
    }
}
