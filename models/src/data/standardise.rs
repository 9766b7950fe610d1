use serde::{Deserialize, Serialize};

/// How numbers were standardised: `(x - mean) / std`, as a rule with the training rows' statistics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standardisation {
    /// Statistics of each input column.
    pub features: Vec<Moments>,
    /// Statistics of the target, for a regression.
    pub target: Option<Moments>,
}

/// Mean and standard deviation of a column, in its own units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// The mean.
    pub mean: f64,
    /// The standard deviation with divisor n; 0 for a constant column.
    pub std: f64,
}

impl Moments {
    /// The statistics of some values.
    pub(crate) fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        let mean = values.clone().sum::<f64>() / count;
        // Rounding in the mean must not give a constant column a deviation.
        let constant = values.clone().is_sorted_by(|a, b| a == b);
        let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        Self {
            mean,
            std: if constant { 0.0 } else { variance.sqrt() },
        }
    }

    /// The standardised value. A column that is constant over the training rows is 0 everywhere.
    pub fn standardise(&self, value: f64) -> f64 {
        if self.std == 0.0 {
            0.0
        } else {
            (value - self.mean) / self.std
        }
    }

    /// The value in its own units.
    pub fn restore(&self, standardised: f64) -> f64 {
        self.mean + self.std * standardised
    }
}
