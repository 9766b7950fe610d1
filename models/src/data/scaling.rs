//! What is done to inputs or targets before a network sees them, and how it is undone.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use super::moments::Moments;
use super::moments_of::MomentsOf;
use super::rule::ScalingRule;
use crate::number::brief;

/// How numbers of the source become what a network reads: `(x - mean) / std`. One for inputs, and one for a
/// regression's targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaling {
    /// Where the moments came from.
    pub rule: ScalingRule,
    /// Whose they are.
    #[serde(default, skip_serializing_if = "MomentsOf::is_train")]
    pub of: MomentsOf,
    /// One for each column of a table, or for each channel of pictures; one for targets. A table's are in its own
    /// units. Pixels are counted from 0 to 1, the brightest, as torchvision's `Normalize` has them.
    pub moments: Vec<Moments>,
}

/// What moments of pictures are for.
pub(crate) const CHANNELS: &str = "channels";

/// What a caller asks to be done to inputs or targets.
#[derive(Clone, Debug, PartialEq)]
pub enum Rescale {
    /// By [`ScalingRule::Raw`].
    Raw,
    /// By [`ScalingRule::Unit`].
    Unit,
    /// By [`ScalingRule::Standardised`].
    Standardised,
    /// By these moments; a single one is for all columns or channels.
    Fixed(Scaling),
}

/// Why numbers cannot be scaled as was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalingProblem {
    /// There are more or fewer moments than columns or channels.
    Count {
        /// Moments given.
        given: usize,
        /// Columns or channels there are.
        needed: usize,
        /// What they are: "columns", "channels" or "targets".
        of: &'static str,
    },
    /// A mean is not finite, or a standard deviation not positive and finite.
    Moments {
        /// Which, counted from 0.
        place: usize,
        /// The moments.
        moments: Moments,
    },
    /// A number is not finite any more.
    Overflow {
        /// The number of the source.
        value: f64,
        /// The moments that it was scaled by.
        moments: Moments,
    },
}

impl Scaling {
    /// The moments that were given.
    pub fn given(moments: Vec<Moments>) -> Self {
        Self {
            rule: ScalingRule::Given,
            of: MomentsOf::Train,
            moments,
        }
    }

    /// The scaling asked for, of numbers that are `count` columns, channels or targets (`of` says which). `measured`
    /// gives what a rule needs of the examples that `whose` says.
    pub(crate) fn settle(
        (asked, whose): (&Rescale, MomentsOf),
        count: usize,
        of: &'static str,
        measured: impl Fn(ScalingRule) -> Vec<Moments>,
    ) -> Result<Self, ScalingProblem> {
        let rule = match asked {
            Rescale::Raw => ScalingRule::Raw,
            Rescale::Unit => ScalingRule::Unit,
            Rescale::Standardised => ScalingRule::Standardised,
            Rescale::Fixed(scaling) => return scaling.fit(count, of),
        };
        let moments = measured(rule);
        let of = match rule {
            // The brightest that a pixel can be is no part's.
            ScalingRule::Unit if of == CHANNELS => MomentsOf::Train,
            ScalingRule::Unit | ScalingRule::Standardised => whose,
            ScalingRule::Raw | ScalingRule::Given => MomentsOf::Train,
        };
        Ok(Self { rule, of, moments })
    }

    /// The same with one for each of `count`.
    fn fit(&self, count: usize, of: &'static str) -> Result<Self, ScalingProblem> {
        // A rule's own may be 0, of a constant column.
        let least = match self.rule {
            ScalingRule::Given => f64::MIN_POSITIVE,
            _ => 0.0,
        };
        let mut moments = self.moments.clone();
        let wrong = |it: &Moments| !(it.mean.is_finite() && it.std.is_finite() && it.std >= least);
        if let Some(place) = moments.iter().position(wrong) {
            let moments = moments[place];
            return Err(ScalingProblem::Moments { place, moments });
        }
        match moments.as_slice() {
            [one] if self.rule == ScalingRule::Given => moments = vec![*one; count],
            several if several.len() != count => {
                let (given, needed) = (several.len(), count);
                return Err(ScalingProblem::Count { given, needed, of });
            }
            _ => {}
        }
        Ok(Self {
            rule: self.rule,
            of: self.of,
            moments,
        })
    }

    /// The moments of place `column` of rows of `columns` numbers: a channel's are for all its pixels.
    fn at(&self, column: usize, columns: usize) -> &Moments {
        &self.moments[column * self.moments.len() / columns]
    }

    /// What the network reads in place of rows of `columns` numbers of the source.
    pub(crate) fn apply(&self, values: &[f64], columns: usize) -> Result<Vec<f32>, ScalingProblem> {
        let mut scaled = Vec::with_capacity(values.len());
        for row in values.chunks_exact(columns) {
            for (column, &value) in row.iter().enumerate() {
                let moments = *self.at(column, columns);
                let number = moments.standardise(value) as f32;
                if !number.is_finite() {
                    return Err(ScalingProblem::Overflow { value, moments });
                }
                scaled.push(number);
            }
        }
        Ok(scaled)
    }

    /// The numbers of the source for one example's inputs or target: a table's own, pixels from 0 to 1.
    pub fn restore(&self, row: &[f32]) -> Vec<f64> {
        let columns = row.len();
        let restore = |(column, &x): (usize, &f32)| self.at(column, columns).original(x);
        row.iter().enumerate().map(restore).collect()
    }

    /// A number of place `column` of rows of `columns`, such as a mean, in the source's units.
    pub(crate) fn restore_at(&self, column: usize, columns: usize, value: f64) -> f64 {
        self.at(column, columns).restore(value)
    }

    /// What 1 of the scaled target is in its own units.
    pub(crate) fn unit(&self) -> f64 {
        self.moments[0].divisor()
    }

    /// What the network is trained with in place of a target.
    pub(crate) fn scale_value(&self, value: f64) -> f32 {
        self.moments[0].standardise(value) as f32
    }

    /// A number that a network gives for a target, such as a prediction, in the target's own units.
    ///
    /// # Panics
    ///
    /// If there is no moment, which no reader lets through.
    pub fn restore_value(&self, value: f64) -> f64 {
        self.moments[0].restore(value)
    }
}

impl Display for ScalingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { given, needed, of } => write!(
                f,
                "{given} means and standard deviations were given for {needed} {of}; give one for each, or one for all"
            ),
            Self::Moments { place, moments } => write!(
                f,
                "number {place} (counted from 0) of the means and standard deviations is {} and {}; a mean must be finite, and a \
                 standard deviation positive and finite",
                brief(moments.mean),
                brief(moments.std)
            ),
            Self::Overflow { value, moments } => write!(
                f,
                "{} less the mean {} and divided by {} is not a finite 32-bit number; give another mean or standard deviation",
                brief(*value),
                brief(moments.mean),
                brief(moments.std)
            ),
        }
    }
}
