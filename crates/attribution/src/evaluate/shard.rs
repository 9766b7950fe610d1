//! A part of the removals, for a process of its own.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::entries::{OWN_BASELINE, OWN_LISSA, OWN_STRONGEST, own_estimator, own_result};
use crate::{Store, StoreError};

/// One of several parts of what is to be computed, removals or queries or training examples: for processes, or
/// machines, that share it out. It is written `2/5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 1.
    pub index: usize,
    /// How many there are.
    pub count: usize,
}

impl Shard {
    /// All of them, in one part.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Whether what is at `position` is in this part.
    pub fn has(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Takes into a store of an evaluation's own ([`Evaluation::with_own_store`](crate::Evaluation::with_own_store)) what
/// another process has computed of the same `removals`, and it lacks; how many results that are.
///
/// # Errors
/// Those of the stores.
pub fn merge(own: &dyn Store, other: &dyn Store, removals: usize) -> Result<usize, StoreError> {
    take(own, other, OWN_LISSA)?;
    let mut taken = 0;
    for position in 0..removals {
        taken += usize::from(take(own, other, &own_result(position))?);
    }
    Ok(taken)
}

/// Takes into such a store of a validation ([`Evaluation::validate`](crate::Evaluation::validate)) what another process
/// has computed of so many `estimators`, and it lacks, and first of all which points it chose; how many estimators that
/// are. To be called before [`merge`].
///
/// # Errors
/// Those of the stores.
pub fn merge_estimators(
    own: &dyn Store,
    other: &dyn Store,
    estimators: usize,
) -> Result<usize, StoreError> {
    take(own, other, OWN_STRONGEST)?;
    take(own, other, OWN_BASELINE)?;
    let mut taken = 0;
    for place in 0..estimators {
        taken += usize::from(take(own, other, &own_estimator(place))?);
    }
    Ok(taken)
}

/// Whether `own` lacks what is under `key` and takes it from the other.
fn take(own: &dyn Store, other: &dyn Store, key: &str) -> Result<bool, StoreError> {
    if own.get(key)?.is_some() {
        return Ok(false);
    }
    match other.get(key)? {
        Some(value) => own.put(key, &value).map(|()| true),
        None => Ok(false),
    }
}

/// The positions among `removals` of which such a store has no result.
///
/// # Errors
/// Those of the store.
pub fn missing(own: &dyn Store, removals: usize) -> Result<Vec<usize>, StoreError> {
    let mut missing = Vec::new();
    for position in 0..removals {
        if own.get(&own_result(position))?.is_none() {
            missing.push(position);
        }
    }
    Ok(missing)
}
