//! Where the moments of a scaling came from.

use serde::{Deserialize, Serialize};

/// Where the moments of a [`Scaling`](super::Scaling) came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScalingRule {
    /// Nothing is done: a table's own numbers, and pixels from 0 to 255 as their files have them.
    Raw,
    /// Pixels are divided by the brightest there can be, each column of a table by its largest absolute value in the
    /// training part.
    Unit,
    /// The mean and the standard deviation (divisor n) of the training part, column by column or channel by channel.
    Standardised,
    /// They were given.
    Given,
}

impl ScalingRule {
    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Unit => "unit",
            Self::Standardised => "standardised",
            Self::Given => "given",
        }
    }
}
