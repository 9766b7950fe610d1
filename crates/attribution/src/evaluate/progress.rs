//! What an evaluation tells while it runs.

use std::{cell::Cell, fmt};

use serde::{Deserialize, Serialize};

use super::{Stage, ValidatedEstimator};
use crate::SolverConfig;

/// What an evaluation tells while it runs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Progress<'a> {
    /// How estimates are solved for, once all of it is settled.
    Solver(&'a SolverConfig),
    /// An estimator of influence begins.
    Estimator {
        /// What it is called.
        name: &'a str,
    },
    /// An estimator has come to its end.
    Estimated(&'a ValidatedEstimator),
    /// The removals begin.
    Removals {
        /// How many are done already.
        done: usize,
        /// How many there are, in this shard.
        of: usize,
    },
    /// Something begins, with 0 of its steps, or has made some.
    Step {
        /// What is computed.
        task: EvaluationTask,
        /// The steps made: batches, products, or thousandths of the way to a tolerance.
        done: usize,
        /// How many there are, about; 0 if that is not known.
        of: usize,
    },
    /// The system of an influence estimate is solved less well than the tolerance asks.
    Unsolved {
        /// The position of the removal among those asked for, from 0.
        removal: usize,
        /// The relative residual.
        residual: f64,
        /// What it should be.
        tolerance: f64,
    },
    /// A removal is done.
    Done {
        /// The position of the removal among those asked for, from 0.
        removal: usize,
    },
    /// A removal is given up, the others go on.
    Failed {
        /// The position of the removal among those asked for, from 0.
        removal: usize,
        /// What was being computed, and why it ended.
        failed: &'a FailedRemoval,
    },
    /// Something in the store is damaged, and is computed anew.
    Damaged(&'a DamagedEntry),
}

/// What is computed at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EvaluationTask {
    /// A stage of a removal.
    Stage(Stage),
    /// The scale of LiSSA.
    Scale,
    /// The depth of LiSSA, by the first removal.
    Depth,
    /// What a solver does once.
    Factorization,
}

impl EvaluationTask {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stage(stage) => stage.name(),
            Self::Scale => "LiSSA's scale",
            Self::Depth => "LiSSA's depth",
            Self::Factorization => "factorisation",
        }
    }
}

impl fmt::Display for EvaluationTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A removal that could not be followed to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedRemoval {
    /// The training examples removed.
    pub removed: Vec<usize>,
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

/// Counts the steps of what is computed, and tells of them.
pub(super) struct Meter<'a> {
    progress: &'a dyn Fn(Progress<'_>),
    task: Cell<EvaluationTask>,
    done: Cell<usize>,
    of: Cell<usize>,
}

impl<'a> Meter<'a> {
    pub fn new(progress: &'a dyn Fn(Progress<'_>)) -> Self {
        Self {
            progress,
            task: Cell::new(EvaluationTask::Factorization),
            done: Cell::new(0),
            of: Cell::new(0),
        }
    }

    pub fn tell(&self, progress: Progress<'_>) {
        (self.progress)(progress);
    }

    /// Begins something of so many steps, about.
    pub fn begin(&self, task: EvaluationTask, of: usize) {
        self.task.set(task);
        self.of.set(of);
        self.set(0);
    }

    /// So many steps are made.
    pub fn set(&self, done: usize) {
        self.done.set(done);
        let (task, of) = (self.task.get(), self.of.get());
        self.tell(Progress::Step { task, done, of });
    }

    /// So many steps more.
    pub fn add(&self, steps: usize) {
        self.set(self.done.get() + steps);
    }

    /// Steps made since the beginning.
    pub fn done(&self) -> usize {
        self.done.get()
    }
}
