//! What is taken away.

use serde::{Deserialize, Serialize};

use super::ResponseError;

/// Training examples and the weight taken off each: `- eps sum of L(z)` in the objectives of a
/// [`ResponseKind`](super::ResponseKind).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Their indices, each once.
    pub examples: Vec<usize>,
    /// The weight `eps` taken off each; `1/N` removes it, a negative one adds to its weight.
    pub epsilon: f64,
}

impl Removal {
    /// The removal of `examples`, one or a group, from `n`.
    pub fn of(examples: Vec<usize>, n: usize) -> Self {
        Self::downweight(examples, 1.0 / n as f64)
    }

    /// `epsilon` taken off the weight of each of `examples`.
    pub fn downweight(examples: Vec<usize>, epsilon: f64) -> Self {
        Self { examples, epsilon }
    }

    /// Of nothing: what further training does by itself.
    pub fn none() -> Self {
        Self::downweight(Vec::new(), 0.0)
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        self.examples.is_empty() || self.epsilon == 0.0
    }

    pub(super) fn check(&self, n: usize) -> Result<(), ResponseError> {
        if !self.epsilon.is_finite() {
            return Err(ResponseError::setting("epsilon", "must be finite"));
        }
        let mut sorted = self.examples.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let problem = format!("names the example {} twice", pair[0]);
            return Err(ResponseError::setting("examples", problem));
        }
        if sorted.len() >= n {
            let problem = format!("takes away {} of {n}: at least one must stay", sorted.len());
            return Err(ResponseError::setting("examples", problem));
        }
        Ok(())
    }
}
