//! How far an experiment is: the removals, and what is being done about one.

use crate::progress::{Nested, PARTS, part};

/// The removals, and within them the stage.
pub(super) struct Bars(Nested);

impl Bars {
    pub fn new() -> Self {
        Self(Nested::new("removals"))
    }

    /// Begins with `done` of `count` removals.
    pub fn points(&self, done: usize, count: usize) {
        self.0.outer.begin(done as u64, count as u64);
        self.0.outer.show();
    }

    pub fn point(&self) {
        self.0.outer.inc(1);
    }

    /// Begins something of so many steps.
    pub fn stage(&self, name: &'static str, steps: usize) {
        self.0.inner.begin(0, steps as u64);
        self.0.inner.message(name);
    }

    pub fn set(&self, step: usize) {
        self.0.inner.set(step as u64);
    }

    /// So many steps more.
    pub fn steps(&self, count: usize) {
        self.0.inner.inc(count as u64);
    }

    /// Steps made since the stage began.
    pub fn done(&self) -> usize {
        self.0.inner.done() as usize
    }

    /// Prints between the bars.
    pub fn aside(&self, print: impl FnOnce()) {
        self.0.aside(print);
    }

    pub fn end(&self) {
        self.0.end();
    }
}

/// A stage that goes on until a number is small enough.
pub(super) struct Way<'a> {
    bars: &'a Bars,
    far: u64,
}

impl<'a> Way<'a> {
    pub fn new(bars: &'a Bars, name: &'static str) -> Self {
        bars.stage(name, PARTS as usize);
        Self { bars, far: 0 }
    }

    /// The number has come from 1 to `now` and is to come to `end`.
    pub fn at(&mut self, now: f64, end: f64) {
        self.far = self.far.max(part(now, end));
        self.bars.set(self.far as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::{Bars, Way};

    #[test]
    fn the_way_leads_forwards_only() {
        let bars = Bars::new();
        let mut way = Way::new(&bars, "base network");
        for (norm, expected) in [(1e-4, 400), (1e-2, 400), (1e-8, 800)] {
            way.at(norm, 1e-10);
            assert_eq!(bars.done(), expected);
        }
    }
}
