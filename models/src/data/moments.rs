//! A mean and a standard deviation, and what they do to a number.

use serde::{Deserialize, Serialize};

use super::rule::ScalingRule;

/// Mean and standard deviation of some numbers, in their own units; what a number has the mean taken from and is
/// divided by.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// What is taken away.
    pub mean: f64,
    /// What is then divided by. 0 for numbers that are all the same, which are then divided by 1.
    pub std: f64,
}

impl Moments {
    /// What leaves numbers as they are.
    pub const IDENTITY: Self = Self {
        mean: 0.0,
        std: 1.0,
    };

    /// The moments of a rule, from the training part's values of a column.
    pub(crate) fn by(rule: ScalingRule, values: impl Iterator<Item = f64> + Clone) -> Self {
        match rule {
            ScalingRule::Raw | ScalingRule::Given => Self::IDENTITY,
            ScalingRule::Unit => Self {
                mean: 0.0,
                std: values.map(f64::abs).fold(0.0, f64::max),
            },
            ScalingRule::Standardised => Self::of(values),
        }
    }

    /// The mean and the standard deviation (divisor n) of some values.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count() as f64;
        // Rounding in the mean must not give a constant column a deviation.
        if values.clone().is_sorted_by(|a, b| a == b) {
            let mean = values.clone().next().unwrap_or(0.0);
            return Self { mean, std: 0.0 };
        }
        let mean = values.clone().sum::<f64>() / count;
        let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
        let std = variance.sqrt();
        Self { mean, std }
    }

    pub(crate) fn divisor(&self) -> f64 {
        if self.std == 0.0 { 1.0 } else { self.std }
    }

    /// `(value - mean) / std`.
    pub fn standardise(&self, value: f64) -> f64 {
        (value - self.mean) / self.divisor()
    }

    /// The value in its own units: `mean + std * standardised`.
    pub fn restore(&self, standardised: f64) -> f64 {
        self.mean + self.divisor() * standardised
    }

    /// The number of the source: the one of the fewest digits that [`standardise`](Self::standardise) and rounding to
    /// 32 bits take to `standardised`.
    pub fn original(&self, standardised: f32) -> f64 {
        let near = self.restore(f64::from(standardised));
        // Near zero no number of digits gives zero.
        let rounded = (0..17).filter_map(|digits| format!("{near:.digits$e}").parse().ok());
        std::iter::once(0.0)
            .chain(rounded)
            .find(|&short| self.standardise(short) as f32 == standardised)
            .unwrap_or(near)
    }
}

#[cfg(test)]
mod tests {
    use super::Moments;

    #[test]
    fn the_numbers_of_the_source_come_back() {
        let moments = Moments {
            mean: 35.817_961_165_048_54,
            std: 16.697_620_122_139_59,
        };
        for value in [79.99, 40.27, 0.0, -3.5, 1030.0, 35.82, 1e-3] {
            assert_eq!(moments.original(moments.standardise(value) as f32), value);
        }
        assert_eq!(Moments::IDENTITY.original(0.1), 0.1);
        let constant = Moments::of([0.1; 3].into_iter());
        assert_eq!((constant.mean, constant.std), (0.1, 0.0));
        assert_eq!(
            (constant.standardise(0.1), constant.original(0.0)),
            (0.0, 0.1)
        );
        // Another value than the training part's is not lost.
        assert_eq!(constant.original(constant.standardise(0.4) as f32), 0.4);
    }
}
