//! What a training leaves behind for those who rewind it.

use std::collections::BTreeMap;

use super::{DescentState, StepPlan, UnlearnError, WeightedDescent};

/// States of a training, by the steps made.
#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    states: BTreeMap<usize, DescentState>,
}

impl Checkpoints {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps `state`, in place of one of the same step.
    pub fn keep(&mut self, state: DescentState) {
        self.states.insert(state.step, state);
    }

    /// Trains by `descent` from `start` until `steps` steps are made since the start of the training, by those of
    /// `plan`, and keeps the states after the steps `keep` and the last.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] if `start` is beyond `steps`; as [`WeightedDescent::run`].
    pub fn train(
        descent: &WeightedDescent,
        start: DescentState,
        plan: &dyn StepPlan,
        steps: usize,
        keep: &[usize],
    ) -> Result<Self, UnlearnError> {
        let mut kept = Self::new();
        if start.step > steps {
            let problem = format!("are {steps}, and {} are made already", start.step);
            return Err(UnlearnError::setting("steps", problem));
        }
        if keep.contains(&start.step) {
            kept.keep(start.clone());
        }
        let range = start.step..steps;
        let end = descent.run(start, plan.steps(range), |state| {
            if keep.contains(&state.step) {
                kept.keep(state.clone());
            }
        })?;
        kept.keep(end);
        Ok(kept)
    }

    /// The state after so many steps.
    ///
    /// # Errors
    /// [`UnlearnError::NoCheckpoint`].
    pub fn at(&self, step: usize) -> Result<&DescentState, UnlearnError> {
        let none = || UnlearnError::NoCheckpoint {
            step,
            kept: self.states.keys().copied().collect(),
        };
        self.states.get(&step).ok_or_else(none)
    }

    /// The state after the most steps: that of the trained network.
    ///
    /// # Errors
    /// [`UnlearnError::NoCheckpoint`] if there is none.
    pub fn trained(&self) -> Result<&DescentState, UnlearnError> {
        match self.states.values().next_back() {
            Some(state) => Ok(state),
            None => self.at(0),
        }
    }
}
