//! How far an experiment is: the removals, and what is being done about one.

use indicatif::{MultiProgress, ProgressBar};

use crate::cli::progress::bar;

/// Two bars, each with the time left.
pub(super) struct Bars {
    all: MultiProgress,
    points: ProgressBar,
    stage: ProgressBar,
}

impl Bars {
    pub fn new() -> Self {
        let all = MultiProgress::new();
        let points = all.add(bar("removals", 0));
        let stage = all.add(bar("", 0));
        Self { all, points, stage }
    }

    /// Begins with `done` of `count` removals.
    pub fn points(&self, done: usize, count: usize) {
        self.points.set_length(count as u64);
        self.points.set_position(done as u64);
        // What an earlier run did is not to count for the time left.
        self.points.reset_eta();
        self.points.tick();
    }

    pub fn point(&self) {
        self.points.inc(1);
    }

    /// Begins something of so many steps.
    pub fn stage(&self, name: &'static str, steps: usize) {
        self.stage.set_length(steps as u64);
        self.stage.set_position(0);
        self.stage.reset_eta();
        self.stage.set_message(name);
    }

    pub fn set(&self, step: usize) {
        self.stage.set_position(step as u64);
    }

    pub fn step(&self) {
        self.stage.inc(1);
    }

    /// Prints between the bars.
    pub fn aside(&self, print: impl FnOnce()) {
        self.all.suspend(print);
    }

    pub fn end(&self) {
        self.points.finish_and_clear();
        self.stage.finish_and_clear();
    }
}
