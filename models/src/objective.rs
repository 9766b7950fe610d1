//! The losses that the zoo is trained with, by name.

use serde::{Deserialize, Serialize};

/// The loss of one example; training minimises its mean. [`loss`](Self::loss) is what computes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// `-log softmax(outputs)[class]`, in nats; the mean over all places for a sequence of tokens.
    CrossEntropy,
    /// `-log sigmoid(output)` for class 1 and `-log sigmoid(-output)` for class 0, in nats.
    BinaryCrossEntropyWithLogits,
    /// `1/2 ||outputs - target||^2`.
    SquaredError,
    /// Huber's: `1/2 r^2` for a residual of at most `delta`, in the units that the network is trained with, and
    /// `delta (|r| - delta / 2)` beyond.
    Huber {
        /// The residual from which on the loss is linear; positive.
        delta: f64,
    },
    /// `exp(output) - target * output`: the negative log-likelihood of a count whose logarithmic rate is the output, in
    /// nats and up to a constant.
    Poisson,
    /// How badly the outputs, as logits, tell the inputs, which lie between 0 and 1: the binary cross-entropy summed
    /// over them, in nats.
    Reconstruction,
}
