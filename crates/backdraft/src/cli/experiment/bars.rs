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

    /// So many steps more.
    pub fn steps(&self, count: usize) {
        self.stage.inc(count as u64);
    }

    /// Steps made since the stage began.
    pub fn done(&self) -> usize {
        self.stage.position() as usize
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

/// Parts of the way to a tolerance.
const PARTS: usize = 1_000;

/// A stage that goes on until a number is small enough.
pub(super) struct Way<'a> {
    bars: &'a Bars,
    far: usize,
}

impl<'a> Way<'a> {
    pub fn new(bars: &'a Bars, name: &'static str) -> Self {
        bars.stage(name, PARTS);
        Self { bars, far: 0 }
    }

    /// The number has come from 1 to `now` and is to come to `end`. It falls by about the same factor in the same time, if by leaps.
    pub fn at(&mut self, now: f64, end: f64) {
        self.far = self.far.max(part(now, end));
        self.bars.set(self.far);
    }
}

fn part(now: f64, end: f64) -> usize {
    let share = now.ln() / end.ln();
    // Not a number, or away from where it is to go: no part of the way.
    (share.clamp(0.0, 1.0) * PARTS as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::{Bars, PARTS, Way, part};

    #[test]
    fn the_way_is_measured_in_factors() {
        assert_eq!(part(1.0, 1e-10), 0);
        assert_eq!(part(1e-5, 1e-10), PARTS / 2);
        assert_eq!(part(1e-12, 1e-10), PARTS);
        assert_eq!(part(0.0, 1e-10), PARTS);
        for odd in [2.0, f64::NAN, f64::INFINITY] {
            assert_eq!(part(odd, 1e-10), 0);
        }
        // It leads forwards only.
        let bars = Bars::new();
        let mut way = Way::new(&bars, "base network");
        for (norm, expected) in [(1e-4, 400), (1e-2, 400), (1e-8, 800)] {
            way.at(norm, 1e-10);
            assert_eq!(bars.done(), expected);
        }
    }
}
