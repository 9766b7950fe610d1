//! What many numbers come to.

use serde::{Deserialize, Serialize};

use super::{Gaps, RemovalGaps, json};

/// A mean and a sample standard deviation (0 of a single number; both NaN, `null` in JSON, of none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    #[serde(deserialize_with = "json::number")]
    pub mean: f64,
    /// The standard deviation.
    #[serde(deserialize_with = "json::number")]
    pub std: f64,
}

impl Spread {
    /// The mean and the sample standard deviation of `values`.
    pub fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        // Of one number the deviation is 0, of none NaN as the mean.
        let std = (squares / (n - 1.0).max(1.0)).sqrt();
        Self {
            mean,
            std: if mean.is_nan() { mean } else { std },
        }
    }
}

impl Gaps<Spread> {
    /// Each gap over all removals.
    pub fn of(removals: &[RemovalGaps]) -> Self {
        let rows: Vec<[f64; 5]> = removals.iter().map(|it| it.gaps.into_array()).collect();
        Self::from_array(std::array::from_fn(|gap| {
            let values: Vec<f64> = rows.iter().map(|row| row[gap]).collect();
            Spread::of(&values)
        }))
    }
}
