//! What happened in each pass over the data.

use backdraft_models::Metrics;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A line of `log.jsonl`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Epoch {
    /// The pass, from 1.
    pub epoch: usize,
    /// Steps made so far.
    pub step: usize,
    /// Mean loss over the training examples while the weights changed, without the L2 term.
    pub train_loss: f64,
    /// The part held out.
    pub part: HeldOut,
    /// Measurements on it, after the pass.
    pub metrics: Metrics,
    /// Whether they are the best so far.
    pub best: bool,
    /// Seconds that the pass took, measurement included.
    pub seconds: f64,
}

/// A part of the data that is not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum HeldOut {
    /// Set apart by the data for such choices.
    Valid,
    /// The test examples, where nothing else is set apart.
    Test,
}

impl HeldOut {
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Test => "test",
        }
    }
}

/// All passes so far. Lines are kept as they were written, and what decides between passes to the bit, because a number
/// that goes through JSON need not come back as it was.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Journal {
    pub lines: Vec<String>,
    best: Option<Best>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Best {
    line: usize,
    accuracy: Option<u64>,
    loss: u64,
}

impl Journal {
    /// Notes a pass and returns its line; `best` of the pass tells afterwards whether it is the best so far.
    pub(super) fn note(&mut self, epoch: &mut Epoch) -> serde_json::Result<&str> {
        epoch.best = self.beats(&epoch.metrics);
        if epoch.best {
            self.best = Some(Best {
                line: self.lines.len(),
                accuracy: epoch.metrics.accuracy.map(f64::to_bits),
                loss: epoch.metrics.loss.to_bits(),
            });
        }
        self.lines.push(serde_json::to_string(epoch)?);
        Ok(&self.lines[self.lines.len() - 1])
    }

    /// The best pass, as its line says.
    pub fn best(&self) -> Option<Value> {
        serde_json::from_str(self.lines.get(self.best?.line)?).ok()
    }

    /// More right answers, or as many at a lower loss; the lower loss where there are no right answers.
    fn beats(&self, metrics: &Metrics) -> bool {
        let (now, loss) = (metrics.accuracy, metrics.loss);
        // Outputs that are no numbers may be called right by accident.
        if !loss.is_finite() {
            return false;
        }
        let Some(best) = self.best else {
            return true;
        };
        match (now, best.accuracy.map(f64::from_bits)) {
            (Some(now), Some(before)) if now != before => now > before,
            _ => loss < f64::from_bits(best.loss),
        }
    }
}
