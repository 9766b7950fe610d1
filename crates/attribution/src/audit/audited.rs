//! One training example under audit.

use serde::{Deserialize, Serialize};

use super::PredictedToken;

/// What is known of one training example.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditedExample {
    /// Its index.
    pub example: usize,
    /// Its loss, in the units that the network is trained with.
    pub loss: f64,
    /// How sure the network is of its target. Of a class, `log(p / (1 - p))` of its probability; of a value, minus the
    /// distance of the output.
    pub margin: f64,
    /// The same of the predicted answer without the example; none if it is fitted by itself alone.
    pub left_out_margin: Option<f64>,
    /// The predicted change of its loss when it is removed, by influence; none if it was not asked for.
    pub self_influence: Option<f64>,
    /// The same by the Newton estimate; none if it is fitted by itself alone.
    pub newton: Option<f64>,
    /// What its removal is predicted to change of what counts as harm, `m(without) - m(with)`: negative if the example
    /// does harm. None if nothing was named.
    pub score: Option<f64>,
    /// The share of the curvature, in one direction of its outputs, that is its own: near 1, it is fitted by itself
    /// alone. None for sequences, whose outputs are too many to be told apart.
    pub leverage: Option<f64>,
    /// What the network would say without it; of a sequence, what it says now.
    pub suggestion: Option<Suggestion>,
    /// Of a sequence the token whose margin is the lowest, which is that of the sequence, as is the suggestion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<PredictedToken>,
}

/// What a network says an example's target should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suggestion {
    /// A class, and its probability.
    Class {
        /// The class.
        class: usize,
        /// From 0 to 1.
        probability: f64,
    },
    /// A value, as the network is trained with.
    Value(f64),
}

impl AuditedExample {
    /// The class that the network would give without the example, where that is not `label`.
    pub fn other_class(&self, label: usize) -> Option<(usize, f64)> {
        match self.suggestion {
            Some(Suggestion::Class { class, probability }) if class != label => {
                Some((class, probability))
            }
            _ => None,
        }
    }
}
