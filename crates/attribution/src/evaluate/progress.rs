//! What an evaluation tells while it runs.

use backdraft_influence::response::Removal;
use serde::Serialize;

use super::Stage;

/// What an evaluation tells while it runs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// A stage begins.
    Begun {
        /// The position of the removal among those asked for, from 0.
        removal: usize,
        /// How many were asked for.
        removals: usize,
        /// What is computed of it.
        stage: Stage,
    },
    /// A step of a response was made.
    Step {
        /// What is computed.
        stage: Stage,
        /// Its steps so far.
        step: usize,
    },
    /// A removal is done.
    Done {
        /// The position of the removal among those asked for, from 0.
        removal: usize,
        /// How many were asked for.
        removals: usize,
    },
    /// A removal is given up, the others go on.
    Failed(&'a FailedRemoval),
    /// Something in the store is damaged, and is computed anew.
    Damaged(&'a DamagedEntry),
}

/// A removal that could not be followed to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailedRemoval {
    /// What was removed.
    pub removal: Removal,
    /// What was being computed.
    pub stage: Stage,
    /// Why it ended, and what to change.
    pub reason: String,
}

/// An entry of a store that was not as it was put, and was computed anew.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DamagedEntry {
    /// Its key.
    pub key: String,
    /// How it was seen.
    pub reason: String,
}
