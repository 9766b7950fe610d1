//! The game of training again.

use burn::tensor::Tensor;

use super::{Game, TestPerformance, ValuationError};
use crate::{Retrain, retrain::retrained};

/// Training examples whose coalitions are trained on: `v(S)` is the performance of what training with the weights 1 in
/// `S` and 0 outside comes to, always from the same seed.
///
/// What weights of 0 leave is the [`Retrain`]'s to say. Those that minimise `1/N sum over i of w_i L_i + l2/2
/// ||theta||^2` hold small coalitions back by the same L2 term as all examples together, relative to the *sum* of
/// losses. A closure may train on the examples of weight 1 alone.
///
/// The empty coalition is not trained on: its performance is that of the parameters `empty`, such as initial ones.
pub struct RetrainGame<'a> {
    retrain: &'a dyn Retrain,
    examples: usize,
    performance: &'a TestPerformance,
    empty: Tensor<1>,
    seed: u64,
}

impl<'a> RetrainGame<'a> {
    /// Of so many training `examples`.
    pub fn new(
        retrain: &'a dyn Retrain,
        examples: usize,
        performance: &'a TestPerformance,
        empty: Tensor<1>,
        seed: u64,
    ) -> Self {
        Self {
            retrain,
            examples,
            performance,
            empty,
            seed,
        }
    }

    fn trained(&self, members: &[bool]) -> Result<Tensor<1>, ValuationError> {
        let count = members.iter().filter(|it| **it).count();
        if count == 0 {
            return Ok(self.empty.clone());
        }
        let weights: Vec<f64> = members.iter().map(|it| f64::from(*it)).collect();
        let model = self.performance.model();
        retrained(self.retrain, model, &weights, self.seed).map_err(|source| {
            ValuationError::Training {
                members: count,
                players: members.len(),
                source,
            }
        })
    }
}

impl Game for RetrainGame<'_> {
    fn players(&self) -> usize {
        self.examples
    }

    fn value(&self, members: &[bool]) -> Result<f64, ValuationError> {
        ValuationError::check_len("members of a coalition", self.examples, members.len())?;
        self.performance.at(self.trained(members)?)
    }

    fn noise(&self) -> Result<Option<f64>, ValuationError> {
        let all = self.trained(&vec![true; self.examples])?;
        self.performance.noise(all, self.seed).map(Some)
    }

    fn settings(&self) -> String {
        format!(
            "{}, seed {}, {}",
            self.retrain.settings(),
            self.seed,
            self.performance.settings()
        )
    }
}
