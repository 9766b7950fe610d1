//! Estimates of objectives' gradients from a batch.

use std::{
    iter::{Copied, Cycle},
    slice,
};

use backdraft_curvature::{BatchOperator, Cost, Examples};
use burn::tensor::{Tensor, TensorData};

use super::{ResponseError, ResponseKind, ResponseObjective, Responses, reweighted::Reweighting};

/// Removed examples that take part in a step, and what is taken off their mean loss.
pub(super) struct Removed {
    examples: Vec<usize>,
    weight: f64,
}

/// The removed examples of an objective, in turn.
pub(super) struct Turn<'a> {
    examples: Cycle<Copied<slice::Iter<'a, usize>>>,
    count: usize,
    weight: f64,
}

impl<'a> Turn<'a> {
    pub fn of(objective: &'a ResponseObjective<'_>) -> Self {
        let examples = &objective.removal().examples;
        Self {
            examples: examples.iter().copied().cycle(),
            count: examples.len(),
            weight: objective.weight,
        }
    }

    /// The next ones, all or as many as `batch` has.
    pub fn next(&mut self, batch: &[usize]) -> Removed {
        let count = self.count.min(batch.len());
        Removed {
            examples: self.examples.by_ref().take(count).collect(),
            weight: self.weight,
        }
    }
}

impl Responses {
    /// The batch with the removed examples after it.
    fn part(
        &self,
        kind: ResponseKind,
        batch: &[usize],
        removed: &Removed,
    ) -> Result<Cost, ResponseError> {
        if batch.is_empty() {
            return Err(ResponseError::setting("steps", "has one without examples"));
        }
        let count = removed.examples.len();
        let examples = [batch, &removed.examples].concat();
        // The mean is over all rows; the batch's is asked for.
        let rows = examples.len() as f64;
        let one = rows / batch.len() as f64;
        let bregman = kind == ResponseKind::Bregman;
        let options = (&self.theta().device(), self.theta().dtype());
        let column = |of_batch: f64, of_removed: f64| {
            let mut values = vec![of_batch; batch.len()];
            values.resize(rows as usize, of_removed);
            let shape = [values.len()];
            Tensor::<1>::from_data(TensorData::new(values, shape), options)
        };
        let weights = column(one, -removed.weight * rows / count.max(1) as f64);
        let tilts = column(if bregman { one } else { 0.0 }, 0.0);
        let slopes = if bregman {
            self.slopes(&examples)?
        } else {
            Tensor::zeros([examples.len(), 1], options)
        };
        let part = self.reweighted()?.select(&examples)?;
        let mut targets = part.targets()?;
        targets.truncate(targets.len() - Reweighting::TENSORS);
        targets.extend((slopes, weights, tilts).into_rows());
        Ok(part.with_targets(targets)?)
    }
}

impl ResponseObjective<'_> {
    /// An estimate of the gradient at `theta`, `[dim]`, from the examples of a batch, all or some of the removed ones
    /// and all that are added: its mean over the batches of a pass, weighted by their sizes, is the gradient if
    /// `removed` is all of them each time.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`].
    pub(super) fn batch_gradient(
        &self,
        theta: &Tensor<1>,
        batch: &[usize],
        removed: Removed,
    ) -> Result<Tensor<1>, ResponseError> {
        let shared = self.shared;
        if self.kind == ResponseKind::Linearized {
            let moved = theta.clone() - self.theta().clone();
            let product = shared.matrix.batch_product(batch, moved.clone())?;
            let gradient = product + moved * shared.damping;
            return Ok(match &self.pull {
                Some(pull) => gradient - pull.clone(),
                None => gradient,
            });
        }
        let part = shared.part(self.kind, batch, &removed)?;
        let mut gradient = part.at(theta.clone())?.gradient()?;
        // Few: all in every step.
        if let Some((added, weight)) = self.added_at(theta)? {
            gradient = gradient + added.unchecked().gradient()? * weight;
        }
        Ok(self.with_penalties(gradient, theta))
    }

    /// Adds the gradients of the L2 and the proximal term, of any kind but the linearised one.
    fn with_penalties(&self, mut gradient: Tensor<1>, theta: &Tensor<1>) -> Tensor<1> {
        let (l2, strength) = (self.shared.cost.l2(), self.strength());
        if self.kind != ResponseKind::Bregman && l2 > 0.0 {
            gradient = gradient + theta.clone() * l2;
        }
        if strength > 0.0 {
            gradient = gradient + (theta.clone() - self.theta().clone()) * strength;
        }
        gradient
    }
}
