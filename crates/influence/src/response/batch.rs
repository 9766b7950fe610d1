//! Estimates of objectives' gradients from a batch.

use std::{
    iter::{Copied, Cycle},
    slice,
};

use backdraft_curvature::{BatchOperator, Cost, LinearOperator, Loss};
use burn::tensor::{Tensor, TensorData};

use super::{Objective, ResponseError, ResponseKind, Responses, tilted::Tilted};

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
    pub fn of<L: Loss>(objective: &'a Objective<'_, L>) -> Self {
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

impl<L: Loss> Responses<L> {
    /// The batch with each of `removed` after it, one after another. Those with fewer removed examples than the largest have some
    /// of the batch once more instead, of weight 0.
    fn parts(
        &self,
        kind: ResponseKind,
        batch: &[usize],
        removed: &[Removed],
    ) -> Result<Cost<Tilted<L>>, ResponseError> {
        if batch.is_empty() {
            return Err(ResponseError::setting("steps", "has one without examples"));
        }
        let most = removed.iter().map(|r| r.examples.len()).max().unwrap_or(0);
        // A part's mean is over all its rows; the batch's is asked for.
        let rows = (batch.len() + most) as f64;
        let one = rows / batch.len() as f64;
        let bregman = kind == ResponseKind::Bregman;
        let (mut examples, mut weights, mut tilts) = (Vec::new(), Vec::new(), Vec::new());
        for removed in removed {
            examples.extend_from_slice(batch);
            weights.resize(examples.len(), one);
            tilts.resize(examples.len(), if bregman { one } else { 0.0 });
            let count = removed.examples.len();
            examples.extend_from_slice(&removed.examples);
            weights.resize(examples.len(), -removed.weight * rows / count.max(1) as f64);
            examples.extend(batch.iter().cycle().take(most - count));
            weights.resize(examples.len(), 0.0);
            tilts.resize(examples.len(), 0.0);
        }
        let options = (&self.theta().device(), self.theta().dtype());
        let column = |values: Vec<f64>| {
            let shape = [values.len()];
            Tensor::<1>::from_data(TensorData::new(values, shape), options)
        };
        let slopes = if bregman {
            self.slopes(&examples)?
        } else {
            Tensor::zeros([examples.len(), 1], options)
        };
        let part = self.tilted()?.select(&examples)?;
        let (targets, _) = part.targets()?;
        let factors = (column(weights), column(tilts));
        Ok(part.with_targets((targets, (slopes, factors)))?)
    }
}

impl<L: Loss> Objective<'_, L> {
    /// An estimate of the gradient at `theta`, `[dim]`, from the examples of a batch and all or some of the removed ones: its mean over
    /// the batches of a pass, weighted by their sizes, is the gradient if `removed` is all of them each time.
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
        let part = shared.parts(self.kind, batch, &[removed])?;
        let gradient = part.at(theta.clone())?.gradient()?;
        Ok(self.with_penalties(gradient, theta, self.theta()))
    }

    /// The same for several objectives of one kind at once, `[k, dim]`, each at its row of `thetas`.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`].
    pub(super) fn batch_gradients(
        objectives: &[Self],
        thetas: &Tensor<2>,
        batch: &[usize],
        removed: &[Removed],
    ) -> Result<Tensor<2>, ResponseError> {
        let Some(first) = objectives.first() else {
            return Ok(thetas.clone());
        };
        let (shared, center) = (first.shared, first.theta().clone().unsqueeze_dim(0));
        if first.kind == ResponseKind::Linearized {
            let moved = thetas.clone() - center.clone();
            let matrix = shared.cost.select(batch)?.gauss_newton();
            let products = matrix.products(moved.clone())?;
            // Some examples alone are without the L2 term.
            let strength = shared.damping + shared.cost.l2();
            let pulls = objectives.iter().map(|objective| match &objective.pull {
                Some(pull) => pull.clone().unsqueeze_dim(0),
                None => center.zeros_like(),
            });
            return Ok(products + moved * strength - Tensor::cat(pulls.collect(), 0));
        }
        let parts = shared.parts(first.kind, batch, removed)?;
        let gradients = parts.gradients_at(thetas.clone())?;
        Ok(first.with_penalties(gradients, thetas, &center))
    }

    /// Adds the gradients of the L2 and the proximal term, of any kind but the linearised one.
    fn with_penalties<const D: usize>(
        &self,
        mut gradient: Tensor<D>,
        theta: &Tensor<D>,
        center: &Tensor<D>,
    ) -> Tensor<D> {
        let (l2, strength) = (self.shared.cost.l2(), self.strength());
        if self.kind != ResponseKind::Bregman && l2 > 0.0 {
            gradient = gradient + theta.clone() * l2;
        }
        if strength > 0.0 {
            gradient = gradient + (theta.clone() - center.clone()) * strength;
        }
        gradient
    }
}
