//! Estimates of objectives' gradients from a batch.

use std::{iter::Cycle, vec};

use backdraft_curvature::{BatchOperator, Cost};
use burn::tensor::{Tensor, TensorData};

use super::{ResponseError, ResponseKind, ResponseObjective, Responses, reweighted::Reweighted};

/// Removed examples that take part in a step, and what is taken off each in their mean loss.
pub(super) struct Removed {
    examples: Vec<usize>,
    weights: Vec<f64>,
}

/// The removed examples of an objective, in turn.
pub(super) struct Turn {
    examples: Cycle<vec::IntoIter<(usize, f64)>>,
    count: usize,
}

impl Turn {
    pub fn of(objective: &ResponseObjective<'_>) -> Self {
        let removal = objective.removal();
        let factor = |place: usize| removal.factors().map_or(1.0, |it| it[place]);
        let examples = removal.examples.iter().enumerate();
        let examples = examples.map(|(place, &it)| (it, objective.weight * factor(place)));
        let examples: Vec<(usize, f64)> = examples.collect();
        Self {
            count: examples.len(),
            examples: examples.into_iter().cycle(),
        }
    }

    /// The next ones, all or as many as `batch` has.
    pub fn next(&mut self, batch: &[usize]) -> Removed {
        let count = self.count.min(batch.len());
        let (examples, weights) = self.examples.by_ref().take(count).unzip();
        Removed { examples, weights }
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
        let column = |of_batch: f64, of_removed: &dyn Fn(f64) -> f64| {
            let mut values = vec![of_batch; batch.len()];
            values.extend(removed.weights.iter().map(|weight| of_removed(*weight)));
            let shape = [values.len()];
            Tensor::<1>::from_data(TensorData::new(values, shape), options)
        };
        let weights = column(one, &|weight| -weight * rows / count.max(1) as f64);
        let tilts = column(if bregman { one } else { 0.0 }, &|_| 0.0);
        let slopes = if bregman {
            self.slopes(&examples)?
        } else {
            Tensor::zeros([examples.len(), 1], options)
        };
        // What comes of it is looked at every so many steps.
        let part = self.reweighted()?.clone().unchecked().select(&examples)?;
        Ok(Reweighted::with(&part, (slopes, weights, tilts))?)
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
