//! Gradient checkpointing: values of the forward part are computed again in the reverse part instead of being kept for
//! it (Griewank & Walther 2000; Chen et al. 2016), where memory is what lacks.

mod graph;
mod schedule;

use self::{graph::OperationGraph, schedule::Schedule};
use crate::ir::{error::ProgramError, program::Program};

/// Into how many segments forward parts are cut.
const SEGMENTS: [usize; 14] = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64];
/// How many places are tried for the end of the forward part, and around the best of them once more.
const ENDS: usize = 24;

impl Program {
    /// The same function, to the bit, with at most `bytes` of results of operations there at once
    /// ([`peak_bytes`](Self::peak_bytes)), if that can be had by an order of the operations in which some run a second
    /// time; if not, with as few as were found: 0 asks for the least. Of the orders that keep to `bytes` it is that
    /// which computes least again, and the program itself where it keeps to them.
    ///
    /// The operations are divided into a forward part and the rest, and the forward part into segments. What one
    /// segment hands to the next is kept (the checkpoints), and what the rest reads besides is computed again from that
    /// just before. With `n` segments of equal size that is about `1/n` of the memory and `n` checkpoints, for one more
    /// forward pass at most; where to divide is found by trying and counting. With `varying` inputs, such as the vector
    /// of a product, what does not depend on them waits until it is asked for, so that a network and its tangents go
    /// forward together.
    ///
    /// To be done last: [`simplify`](Self::simplify), and whatever simplifies its result, takes equal operations for
    /// one again. [`Compiled::recomputing`](crate::Compiled::recomputing) does it in its place.
    ///
    /// # Errors
    /// [`ProgramError::NotDifferentiable`] if there is no such input.
    pub fn recompute(&self, varying: &[usize], bytes: usize) -> Result<Self, ProgramError> {
        if let Some(&index) = varying.iter().find(|&&it| it >= self.inputs.len()) {
            let reason = "there is no such input";
            return Err(ProgramError::NotDifferentiable { index, reason });
        }
        let graph = OperationGraph::new(self);
        let written: Vec<usize> = (0..graph.len()).collect();
        let mut search = Search {
            best: Found::new(&graph, Schedule::once(&graph, written.clone()), 0),
            graph,
            bytes,
        };
        if search.is_done() {
            return Ok(self.clone());
        }
        let postponed = search.graph.postponed(&search.graph.patient(self, varying));
        search.look(Schedule::once(&search.graph, postponed.clone()), 0);
        if !search.is_done() {
            for order in [&written, &postponed] {
                search.look_around(order);
            }
        }
        search.best.schedule.program(self)
    }
}

/// A schedule, and what is to be said for it.
struct Found {
    schedule: Schedule,
    /// Where its forward part ends.
    end: usize,
    peak: usize,
    work_again: f64,
}

impl Found {
    fn new(graph: &OperationGraph, schedule: Schedule, end: usize) -> Self {
        Self {
            peak: schedule.peak(graph),
            work_again: schedule.work_again(graph),
            schedule,
            end,
        }
    }

    /// What is least of the better one of two.
    fn rank(&self, bytes: usize) -> (usize, f64, usize) {
        (self.peak.max(bytes), self.work_again, self.peak)
    }
}

/// The best schedule so far of a program that is to keep to some bytes.
struct Search {
    graph: OperationGraph,
    bytes: usize,
    best: Found,
}

impl Search {
    /// Whether it keeps to the bytes, and computes nothing again.
    fn is_done(&self) -> bool {
        self.best.peak <= self.bytes && self.best.work_again == 0.0
    }

    fn look(&mut self, schedule: Schedule, end: usize) {
        let found = Found::new(&self.graph, schedule, end);
        if found.rank(self.bytes) < self.best.rank(self.bytes) {
            self.best = found;
        }
    }

    /// Tries ends of the forward part, and numbers of its segments.
    fn look_around(&mut self, order: &[usize]) {
        let step = order.len() / (ENDS + 1) + 1;
        let ends = (1..=ENDS).map(|it| it * step);
        self.look_at(order, ends);
        let (best, finer) = (self.best.end, step / (ENDS / 2) + 1);
        let around = (best.saturating_sub(step)..best + step).step_by(finer);
        self.look_at(order, around);
    }

    fn look_at(&mut self, order: &[usize], ends: impl Iterator<Item = usize>) {
        for end in ends.filter(|&end| 1 < end && end < order.len()) {
            for segments in SEGMENTS.into_iter().take_while(|&it| it <= end) {
                self.look(Schedule::cut(&self.graph, order, end, segments), end);
            }
        }
    }
}
