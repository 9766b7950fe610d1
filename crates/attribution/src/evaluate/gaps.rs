//! The five gaps between retraining and an influence estimate.

use serde::{Deserialize, Serialize};

use super::Name;

/// One number, or another thing, for each of the five gaps between retraining and an influence estimate (Bae et al.
/// 2022, Section 4): how far apart the outputs are at the parameters of one stage and the next, the Euclidean distance
/// for an example on average over the training set, in units of the network's outputs. Never negative; 0 where both
/// stages say the same of every training example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps<T> {
    /// From cold to warm start.
    pub warm_start: T,
    /// From warm start to the proximal response.
    pub proximity: T,
    /// From the proximal response to the proximal Bregman response (PBRF).
    pub non_convergence: T,
    /// From the PBRF to the linearised PBRF.
    pub linearization: T,
    /// From the linearised PBRF to the solver's estimate.
    pub solver: T,
}

impl<T> Gaps<T> {
    /// The gaps' names, in the order from retraining to the estimate.
    pub const NAMES: [Name; 5] = [
        Name::new("warm_start", "warm start"),
        Name::new("proximity", "proximity"),
        Name::new("non_convergence", "non-convergence"),
        Name::new("linearization", "linearization"),
        Name::new("solver", "solver"),
    ];

    /// The gaps in the order of [`NAMES`](Self::NAMES).
    pub fn from_array(
        [
            warm_start,
            proximity,
            non_convergence,
            linearization,
            solver,
        ]: [T; 5],
    ) -> Self {
        Self {
            warm_start,
            proximity,
            non_convergence,
            linearization,
            solver,
        }
    }

    /// The same, as an array.
    pub fn into_array(self) -> [T; 5] {
        [
            self.warm_start,
            self.proximity,
            self.non_convergence,
            self.linearization,
            self.solver,
        ]
    }

    /// A reference to each.
    pub fn as_ref(&self) -> Gaps<&T> {
        Gaps {
            warm_start: &self.warm_start,
            proximity: &self.proximity,
            non_convergence: &self.non_convergence,
            linearization: &self.linearization,
            solver: &self.solver,
        }
    }

    /// Every gap put through `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Gaps<U> {
        Gaps::from_array(self.into_array().map(f))
    }

    /// Every gap with its name.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &T)> {
        Self::NAMES.into_iter().zip(self.as_ref().into_array())
    }
}
