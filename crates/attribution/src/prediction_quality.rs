//! How well predictions agree with what was found.

use backdraft_influence::statistics::{pearson, slope, spearman};
use serde::{Deserialize, Serialize};

/// How well predicted changes agree with actual ones. None where a list does not vary, or has fewer than two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictionQuality {
    /// Pearson's correlation: whether they lie on a line.
    pub pearson: Option<f64>,
    /// Spearman's: whether they have the same order.
    pub spearman: Option<f64>,
    /// The least-squares slope of the actual on the predicted changes: 1 if the size is right too, above where the
    /// prediction is too small.
    pub slope: Option<f64>,
    /// How many pairs of both there are.
    #[serde(default)]
    pub pairs: usize,
}

impl PredictionQuality {
    /// Of pairs of a predicted and an actual change.
    pub fn of(pairs: &[(f64, f64)]) -> Self {
        let (predicted, actual): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
        Self {
            pearson: pearson(&predicted, &actual),
            spearman: spearman(&predicted, &actual),
            slope: slope(&predicted, &actual),
            pairs: pairs.len(),
        }
    }
}
