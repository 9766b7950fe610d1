//! The language model that gives every token one probability.

use super::split::{Split, Targets};

/// The language model that a network must beat: every token has one probability, wherever it stands,
///
/// ```text
/// p(w) = (count(w) + 1) / (N + V)
/// ```
///
/// with the counts of the N training targets and a vocabulary of V. One is added so that a token which training has
/// not seen has a probability too.
#[derive(Clone, Debug, PartialEq)]
pub struct Unigram {
    log_probabilities: Vec<f64>,
}

impl Unigram {
    /// The model of a text's training part with `vocabulary` tokens; none if its targets are not tokens.
    ///
    /// # Panics
    ///
    /// If a target is not below `vocabulary`.
    pub fn of(train: &Split, vocabulary: usize) -> Option<Self> {
        let ids = tokens(train)?;
        let mut counts = vec![1_u64; vocabulary];
        for &id in ids {
            counts[id as usize] += 1;
        }
        let total = (ids.len() + vocabulary) as f64;
        Some(Self {
            log_probabilities: counts
                .iter()
                .map(|&count| (count as f64 / total).ln())
                .collect(),
        })
    }

    /// `exp` of the mean of `-log p` over the targets of a part of the text; none if they are not tokens.
    ///
    /// # Panics
    ///
    /// If a target is not below the vocabulary's size.
    pub fn perplexity(&self, split: &Split) -> Option<f64> {
        let ids = tokens(split)?;
        let sum: f64 = ids
            .iter()
            .map(|&id| self.log_probabilities[id as usize])
            .sum();
        Some((-sum / ids.len() as f64).exp())
    }
}

fn tokens(split: &Split) -> Option<&[i64]> {
    match &split.targets {
        Targets::Tokens { ids, .. } => Some(ids),
        Targets::Classes(_) | Targets::Values(_) => None,
    }
}
