//! Newton estimates beside scores, as a run's files have them.

use std::collections::BTreeMap;

/// The Newton estimates of some removals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewtonChanges {
    /// By training example.
    pub of: BTreeMap<usize, NewtonChange>,
    /// Those without one, and why.
    pub failed: BTreeMap<usize, String>,
    /// Removals that were chosen, before any was known.
    pub planned: usize,
}

/// What the Newton estimate says of one removal.
#[derive(Clone, Debug, PartialEq)]
pub struct NewtonChange {
    /// The predicted change of each query, in the order of the scores' rows and their unit.
    pub changes: Vec<f64>,
    /// How far the example is fitted by itself alone: the largest share, between 0 and 1, of the curvature in a
    /// direction of its outputs that goes with it.
    pub leverage: f64,
}

impl NewtonChanges {
    /// The predicted change of the query in row `row` without the training example, and the example's leverage, if they
    /// are known.
    pub fn get(&self, row: usize, train: usize) -> Option<(f64, f64)> {
        let change = self.of.get(&train)?;
        Some((*change.changes.get(row)?, change.leverage))
    }
}
