//! Where a path ends.

use serde::{Deserialize, Serialize};

/// Where a path ends, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "end")]
pub enum PathEnd {
    /// At `eps = 0`, as asked.
    Whole,
    /// It folds: the curvature loses positive definiteness, and with less weight there is no minimum near by.
    Fold {
        /// The last weight at which there was a minimum on the path.
        last: f64,
        /// Where the fold itself is, by the path's derivatives at the last point: near a fold `||theta'||^-2` falls to
        /// 0 in proportion to the distance. None where they do not tell.
        fold: Option<f64>,
        /// What was met beyond the last point.
        cause: String,
    },
    /// It could not be followed further, though the curvature does not say that it folds: at a kink of a piecewise
    /// smooth network, or at the end of the float type's precision.
    Lost {
        /// The last weight.
        last: f64,
        /// What was met beyond it.
        cause: String,
    },
}

impl PathEnd {
    /// The weight at which it ended, 0 if it is whole.
    pub fn last(&self) -> f64 {
        match self {
            Self::Whole => 0.0,
            Self::Fold { last, .. } | Self::Lost { last, .. } => *last,
        }
    }

    /// Whether it was followed to `eps = 0`.
    pub fn is_whole(&self) -> bool {
        *self == Self::Whole
    }
}
