//! The losses that the zoo is trained with, by name.

use serde::{Deserialize, Serialize};

/// The loss of one example; training minimises its mean. [`loss`](Self::loss) is what computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// `-log softmax(outputs)[class]`, in nats; the mean over all places for a sequence of tokens.
    CrossEntropy,
    /// `-log sigmoid(output)` for class 1 and `-log sigmoid(-output)` for class 0, in nats.
    BinaryCrossEntropyWithLogits,
    /// `1/2 ||outputs - target||^2`.
    SquaredError,
    /// How badly the outputs, as logits, tell the inputs, which lie between 0 and 1: the binary cross-entropy summed
    /// over them, in nats.
    Reconstruction,
}
