//! One thing for each response that influence estimates are held against.

use serde::{Deserialize, Serialize};

use super::Name;

/// One number, or another thing, for each response that influence estimates are held against.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ByResponse<T> {
    /// Of the proximal Bregman response (Bae et al. 2022, Eqn 8).
    pub pbrf: T,
    /// Of training on from the trained parameters.
    pub warm_start: T,
    /// Of training again.
    pub cold_start: T,
    /// Of the difference of training on without and with the examples (F.2).
    pub two_stage: T,
}

impl<T> ByResponse<T> {
    /// The responses' names, the nearest to influence first.
    pub const NAMES: [Name; 4] = [
        Name::new("pbrf", "PBRF"),
        Name::new("warm_start", "warm start"),
        Name::new("cold_start", "cold start"),
        Name::new("two_stage", "two-stage"),
    ];

    /// One for each response, in the order of [`NAMES`](Self::NAMES).
    pub fn from_array([pbrf, warm_start, cold_start, two_stage]: [T; 4]) -> Self {
        Self {
            pbrf,
            warm_start,
            cold_start,
            two_stage,
        }
    }

    /// The same, as an array.
    pub fn into_array(self) -> [T; 4] {
        [self.pbrf, self.warm_start, self.cold_start, self.two_stage]
    }

    /// A reference to each.
    pub fn as_ref(&self) -> ByResponse<&T> {
        ByResponse {
            pbrf: &self.pbrf,
            warm_start: &self.warm_start,
            cold_start: &self.cold_start,
            two_stage: &self.two_stage,
        }
    }

    /// Every response's put through `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> ByResponse<U> {
        ByResponse::from_array(self.into_array().map(f))
    }

    /// Every response's with its name.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &T)> {
        Self::NAMES.into_iter().zip(self.as_ref().into_array())
    }
}
