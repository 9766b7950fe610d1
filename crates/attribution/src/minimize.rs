//! Training to a minimum.

use backdraft_curvature::Cost;
use backdraft_influence::{
    ResponseError,
    response::{Removal, ResponseKind, Responses, Stop},
};
use burn::tensor::Tensor;

use crate::{Retrain, RetrainError, evaluate::minimized};

/// Strength of the proximal term of responses, which training again has none of.
const NO_MATTER: f64 = 1.0;

/// Training by L-BFGS over all examples, from initial parameters to a minimum of the cost: for convex ones.
///
/// Some of the examples may have a weight other than 1, all of them the same.
pub struct Minimize<'a, I> {
    responses: Responses,
    initial: I,
    stop: Stop,
    on_step: Box<dyn Fn(usize, usize) + 'a>,
}

impl<'a, I: Fn(u64) -> Tensor<1>> Minimize<'a, I> {
    /// Training of the model of `cost`, from `initial` parameters of a seed, `[dim]`, until `stop`.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for an L2 term that makes no sense.
    pub fn new(cost: &Cost, initial: I, stop: Stop) -> Result<Self, ResponseError> {
        Ok(Self {
            responses: Responses::new(cost, NO_MATTER)?,
            initial,
            stop,
            on_step: Box::new(|_, _| {}),
        })
    }

    /// The same, which tells `on_step` how many of so many parts of the way are made.
    #[must_use]
    pub fn with_progress(self, on_step: impl Fn(usize, usize) + 'a) -> Self {
        let on_step = Box::new(on_step);
        Self { on_step, ..self }
    }
}

impl<I: Fn(u64) -> Tensor<1>> Retrain for Minimize<'_, I> {
    fn retrain(&self, weights: &[f64], seed: u64) -> Result<Tensor<1>, RetrainError> {
        let (n, examples) = (weights.len(), self.responses.cost().len());
        let changed: Vec<usize> = (0..n).filter(|&i| weights[i] != 1.0).collect();
        let weight = changed.first().map_or(1.0, |&first| weights[first]);
        if n != examples || changed.iter().any(|&i| weights[i] != weight) {
            return Err(RetrainError::Setting {
                name: "weights",
                problem: format!(
                    "are {n} for {examples} examples; they must be as many, and 1 but for some that are all the same"
                ),
            });
        }
        let removal = Removal::downweight(changed, (1.0 - weight) / n as f64);
        let kind = ResponseKind::Retraining;
        let objective = self.responses.objective(kind, removal)?;
        let from = (self.initial)(seed);
        Ok(minimized(&objective, from, self.stop, &*self.on_step)?)
    }

    fn settings(&self) -> String {
        format!("{:?}", self.stop)
    }
}
