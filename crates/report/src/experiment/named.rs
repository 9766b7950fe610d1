//! The numbers of an experiment by name.

use super::{Gaps, Responses};

/// What one of several numbers is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// In JSON, `warm_start`.
    pub key: &'static str,
    /// For people, `warm start`.
    pub title: &'static str,
}

impl Name {
    pub(super) const fn new(key: &'static str, title: &'static str) -> Self {
        Self { key, title }
    }
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

impl<T> Responses<T> {
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
    pub fn as_ref(&self) -> Responses<&T> {
        Responses {
            pbrf: &self.pbrf,
            warm_start: &self.warm_start,
            cold_start: &self.cold_start,
            two_stage: &self.two_stage,
        }
    }

    /// Every response's put through `f`.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Responses<U> {
        Responses::from_array(self.into_array().map(f))
    }

    /// Every response's with its name.
    pub fn iter(&self) -> impl Iterator<Item = (Name, &T)> {
        Self::NAMES.into_iter().zip(self.as_ref().into_array())
    }
}
