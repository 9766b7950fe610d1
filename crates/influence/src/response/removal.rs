//! What is taken away.

use serde::{Deserialize, Serialize};

use super::ResponseError;

/// Training examples and the weight taken off each: `- sum of eps_z L(z)` in the objectives of a
/// [`ResponseKind`](super::ResponseKind).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Their indices, each once.
    pub examples: Vec<usize>,
    /// The weight `eps` taken off each; `1/N` removes it, a negative one adds to its weight. Where each has its own
    /// ([`reweight`](Self::reweight)), the largest in size.
    pub epsilon: f64,
    /// What `eps` is multiplied by, one number an example from -1 to 1; none where all are 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    factors: Option<Vec<f64>>,
}

impl Removal {
    /// The removal of `examples`, one or a group, from `n`.
    pub fn of(examples: Vec<usize>, n: usize) -> Self {
        Self::downweight(examples, 1.0 / n as f64)
    }

    /// `epsilon` taken off the weight of each of `examples`.
    pub fn downweight(examples: Vec<usize>, epsilon: f64) -> Self {
        Self {
            examples,
            epsilon,
            factors: None,
        }
    }

    /// Any change of weights among `n` training examples that count 1 each, `eps` in `R^n`: pairs of an example and
    /// what is added to its weight. -1 removes it, 1 counts it twice, -0.5 takes half of it away: `eps_z = -change /
    /// N`.
    pub fn reweight(changes: impl IntoIterator<Item = (usize, f64)>, n: usize) -> Self {
        let (examples, taken): (Vec<usize>, Vec<f64>) = changes
            .into_iter()
            .map(|(example, change)| (example, -change / n as f64))
            .unzip();
        let first = taken.first().copied().unwrap_or(0.0);
        if taken.iter().all(|it| *it == first) {
            return Self::downweight(examples, first);
        }
        let largest = taken.iter().fold(0.0_f64, |most, it| match it.is_nan() {
            // No number at all is refused where the removal is used.
            true => f64::NAN,
            false => most.max(it.abs()),
        });
        Self {
            factors: Some(taken.iter().map(|it| it / largest).collect()),
            epsilon: largest,
            examples,
        }
    }

    /// The same examples with `share` times the weight taken off each.
    #[must_use]
    pub fn times(&self, share: f64) -> Self {
        Self {
            epsilon: self.epsilon * share,
            ..self.clone()
        }
    }

    /// Of nothing: what further training does by itself.
    pub fn none() -> Self {
        Self::downweight(Vec::new(), 0.0)
    }

    /// Whether it changes nothing.
    pub fn is_none(&self) -> bool {
        self.examples.is_empty() || self.epsilon == 0.0
    }

    /// Each example with the weight `eps_z` that is taken off it.
    pub fn weights(&self) -> impl Iterator<Item = (usize, f64)> {
        let factor = |place: usize| self.factors.as_ref().map_or(1.0, |it| it[place]);
        let examples = self.examples.iter().enumerate();
        examples.map(move |(place, &example)| (example, self.epsilon * factor(place)))
    }

    /// Whether nothing is left of `n` examples: the whole weight of all is taken off.
    pub fn takes_all(&self, n: usize) -> bool {
        // Rounding of `1/N` does not matter.
        let whole = (1.0 - 4.0 * f64::EPSILON) / n as f64;
        self.examples.len() >= n && self.weights().all(|(_, taken)| taken >= whole)
    }

    /// What `eps` is multiplied by, where it is not the same for all.
    pub fn factors(&self) -> Option<&[f64]> {
        self.factors.as_deref()
    }

    pub(crate) fn check(&self, n: usize) -> Result<(), ResponseError> {
        let factors = self.factors.iter().flatten();
        if !(self.epsilon.is_finite() && factors.copied().all(f64::is_finite)) {
            return Err(ResponseError::setting("epsilon", "must be finite"));
        }
        if let Some(factors) = self.factors().filter(|it| it.len() != self.examples.len()) {
            let (found, examples) = (factors.len(), self.examples.len());
            let problem = format!("has {found} factors for {examples} examples");
            return Err(ResponseError::setting("epsilon", problem));
        }
        let mut sorted = self.examples.clone();
        sorted.sort_unstable();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let problem = format!("names the example {} twice", pair[0]);
            return Err(ResponseError::setting("examples", problem));
        }
        if self.takes_all(n) {
            let problem = format!("takes away {} of {n}: at least one must stay", sorted.len());
            return Err(ResponseError::setting("examples", problem));
        }
        Ok(())
    }
}
