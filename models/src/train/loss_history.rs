//! The losses of a training so far, and whether they say that it diverged.

use super::checkpoint::TrainState;

/// A loss this many times the first one, or this much if the first is below 1, counts as divergence: rectified
/// units can die of a step too long and leave a loss that is huge but finite.
const DIVERGED: f64 = 1e3;

/// A last pass whose loss is so many times the first one, or that of outputs of 0 if that is more, ended higher than
/// training began.
const GREW: f64 = 2.0;

/// The losses of a training so far.
#[derive(Clone, Debug, Default)]
pub(super) struct LossHistory {
    /// The first step's.
    pub(super) first: Option<f64>,
    /// The sum over the examples seen in this pass.
    pub(super) total: f64,
    /// The mean over each complete pass.
    pub(super) passes: Vec<f64>,
}

impl LossHistory {
    /// As it was stored.
    pub(super) fn of(state: &TrainState) -> Self {
        Self {
            first: state.first.map(f64::from_bits),
            total: f64::from_bits(state.total),
            passes: state.history.iter().copied().map(f64::from_bits).collect(),
        }
    }

    /// Takes note of a batch's mean loss. They come one by one, so that a pause between steps does not change the sum.
    /// Whether it is within reason.
    #[must_use]
    pub(super) fn add(&mut self, loss: f64, count: usize) -> bool {
        self.first.get_or_insert(loss);
        self.total += loss * count as f64;
        !self.is_beyond_reason(loss)
    }

    /// Whether a batch's loss is not finite, or so large that training has diverged.
    pub(super) fn is_beyond_reason(&self, loss: f64) -> bool {
        !loss.is_finite() || loss > DIVERGED * self.first.unwrap_or(loss).max(1.0)
    }

    /// Whether the mean loss of the last pass says that training ended higher than it began. The loss of outputs of 0
    /// takes a pass over the targets, and is asked for only where there is doubt: a model that was trained before may
    /// begin with a loss that is next to nothing.
    pub(super) fn grew(&self, loss: f64, unanswered: impl FnOnce() -> f64) -> bool {
        loss > GREW * self.first.unwrap_or(f64::INFINITY) && loss > GREW * unanswered()
    }

    /// The mean loss of the pass that ends, over `rows` examples.
    pub(super) fn of_pass(&self, rows: usize) -> f64 {
        self.total / rows as f64
    }

    /// Begins the next pass.
    pub(super) fn end_pass(&mut self, rows: usize) {
        self.passes.push(self.of_pass(rows));
        self.total = 0.0;
    }
}
