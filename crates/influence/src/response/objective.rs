//! The objectives that response functions minimise.

use std::sync::{Arc, OnceLock};

use backdraft_curvature::{Cause, Cost, Curvature, CurvatureError, Examples, LinearOperator};
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{
    Bregman, Removal, ResponseError,
    minimize::{Minimum, Smooth, Stop, minimize},
    reweighted::Reweighted,
};
use crate::solver::norm;

/// Numbers in the training set's outputs above which their gradients are computed for each batch again rather than
/// kept.
const KEPT: usize = 1 << 26;

/// What a response function minimises; the module's table has the formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseKind {
    /// The cost without the examples (Bae et al. 2022, Eqn 2).
    Retraining,
    /// The same, held close to the trained parameters (Eqn 7).
    Proximal,
    /// The proximal Bregman objective (Eqns 8 and 9).
    Bregman,
    /// The same with the network linearised and the loss to second order (Eqn 11): a quadratic.
    Linearized,
}

/// The response functions of a trained network.
pub struct Responses {
    pub(super) cost: Cost,
    theta: Tensor<1>,
    pub(super) damping: f64,
    divergence: OnceLock<Cost>,
    reweighted: OnceLock<Cost>,
    /// The losses' gradients in the outputs at the trained parameters, if they are kept.
    slopes: OnceLock<Option<Tensor<2>>>,
    pub(super) matrix: Curvature,
}

impl Responses {
    /// Of the model of `cost` at its present parameters `theta_s`, with proximal terms of strength `damping`.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a damping that is negative or not finite, or 0 without an L2 term.
    pub fn new(cost: &Cost, damping: f64) -> Result<Self, ResponseError> {
        if !(cost.l2().is_finite() && cost.l2() >= 0.0) {
            let problem = format!("is {:?}, must be finite and not negative", cost.l2());
            return Err(ResponseError::setting("l2", problem));
        }
        let strength = damping + cost.l2();
        let dtype = cost.model().dtype();
        if dtype.finfo().is_some_and(|info| strength > info.max) && strength.is_finite() {
            let problem = format!("is {damping:?}, more than {dtype:?} holds");
            return Err(ResponseError::setting("damping", problem));
        }
        if !(strength > 0.0 && damping >= 0.0 && strength.is_finite()) {
            let problem = format!("is {damping:?}: it must be positive, or zero beside an L2 term");
            return Err(ResponseError::setting("damping", problem));
        }
        Ok(Self {
            theta: cost.model().theta(),
            matrix: cost.gauss_newton(),
            cost: cost.clone(),
            damping,
            divergence: OnceLock::new(),
            reweighted: OnceLock::new(),
            slopes: OnceLock::new(),
        })
    }

    /// The trained parameters `theta_s`, `[dim]`.
    pub fn theta(&self) -> &Tensor<1> {
        &self.theta
    }

    /// The cost at the trained parameters.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Computes now what all removals share.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`].
    pub fn prepare(&self, kind: ResponseKind) -> Result<(), ResponseError> {
        if kind == ResponseKind::Bregman {
            self.divergence()?;
        }
        Ok(())
    }

    /// The objective of `kind` for a removal.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a removal of an example twice or of all, or an `epsilon` that is not finite;
    /// [`ResponseError::Curvature`] for an example that does not exist, among others.
    pub fn objective(
        &self,
        kind: ResponseKind,
        removal: Removal,
    ) -> Result<Objective<'_>, ResponseError> {
        removal.check(self.cost.len())?;
        let removed = match removal.examples.as_slice() {
            [] => None,
            examples => {
                let removed = self.cost.select(examples).map_err(ResponseError::from);
                Some(removed.map_err(|it| it.with_batch(self.cost.batch_size()))?)
            }
        };
        let weight = removal.epsilon * removal.examples.len() as f64;
        let pull = match (kind, &removed) {
            (ResponseKind::Linearized, Some(removed)) => {
                let gradient = removed.gradient().map_err(ResponseError::from);
                let gradient = gradient.map_err(|it| it.with_batch(self.cost.batch_size()));
                Some(gradient? * weight)
            }
            _ => None,
        };
        Ok(Objective {
            shared: self,
            kind,
            removal,
            removed,
            weight,
            pull,
        })
    }

    /// The size of a loss that says little: its mean with all parameters 0, where a network answers everything alike. 0
    /// if that is not a number.
    pub(super) fn scale(&self) -> Result<f64, ResponseError> {
        let nothing = self.cost.at(self.theta.zeros_like())?.unchecked();
        let loss = self.read(nothing.losses()?.mean())?;
        Ok(if loss.is_finite() { loss.abs() } else { 0.0 })
    }

    /// A number from the device.
    pub(super) fn read(&self, value: Tensor<1>) -> Result<f64, ResponseError> {
        let value = value.try_into_scalar().map_err(ResponseError::from);
        value.map_err(|error| error.with_batch(self.cost.batch_size()))
    }

    pub(super) fn divergence(&self) -> Result<&Cost, ResponseError> {
        if self.divergence.get().is_none() {
            let _ = self.divergence.set(Bregman::of(&self.cost)?);
        }
        Ok(self.divergence.get().expect("it was just set"))
    }

    /// The cost under the reweighted loss; weights and slopes are given with each batch. What comes of it is looked at
    /// every so many steps.
    pub(super) fn reweighted(&self) -> Result<&Cost, ResponseError> {
        if self.reweighted.get().is_none() {
            let n = self.cost.len();
            let options = (self.theta.device(), self.theta.dtype());
            let none = Tensor::<1>::zeros([n], (&options.0, options.1));
            let slopes = Tensor::<2>::zeros([n, 1], (&options.0, options.1));
            let mut targets = self.cost.targets()?;
            targets.extend((slopes, none.clone(), none).into_rows());
            let loss = Arc::new(Reweighted(self.cost.loss().clone()));
            let cost = self.cost.clone().unchecked();
            let cost = cost.with_any_loss(loss, targets)?;
            let _ = self.reweighted.set(cost);
        }
        Ok(self.reweighted.get().expect("it was just set"))
    }

    /// The losses' gradients in the outputs at the trained parameters, of `examples` in their order.
    pub(super) fn slopes(&self, examples: &[usize]) -> Result<Tensor<2>, ResponseError> {
        if self.slopes.get().is_none() {
            let [_, outputs] = self.cost.select(&[0])?.outputs()?.dims();
            let keep = outputs * self.cost.len() <= KEPT;
            let kept = keep.then(|| self.cost.output_gradients()).transpose()?;
            let _ = self.slopes.set(kept);
        }
        match self.slopes.get() {
            Some(Some(kept)) => {
                let indices: Vec<i64> = examples.iter().map(|&i| i as i64).collect();
                let indices = TensorData::new(indices, [examples.len()]);
                let indices = Tensor::from_data(indices, &kept.device());
                Ok(kept.clone().select(0, indices))
            }
            _ => {
                let examples = self.cost.clone().unchecked().select(examples)?;
                Ok(examples.output_gradients()?)
            }
        }
    }
}

/// What one response function minimises for one removal.
pub struct Objective<'a> {
    pub(super) shared: &'a Responses,
    pub(super) kind: ResponseKind,
    removal: Removal,
    /// The removed examples' mean loss.
    removed: Option<Cost>,
    /// `eps` times their number.
    pub(super) weight: f64,
    /// `eps` times the sum of their gradients at the trained parameters, for the linearised objective.
    pub(super) pull: Option<Tensor<1>>,
}

impl Objective<'_> {
    /// What is minimised.
    pub fn kind(&self) -> ResponseKind {
        self.kind
    }

    /// What is taken away.
    pub fn removal(&self) -> &Removal {
        &self.removal
    }

    /// The trained parameters `theta_s`, `[dim]`.
    pub fn theta(&self) -> &Tensor<1> {
        &self.shared.theta
    }

    /// The value at `theta`, over all examples. That of the linearised objective is 0 at the trained parameters.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`], with [`CurvatureError::NotFinite`] if it is NaN or infinite;
    /// [`ResponseError::OutOfMemory`],
    /// [`ResponseError::Read`].
    pub fn value(&self, theta: &Tensor<1>) -> Result<f64, ResponseError> {
        let value = self.measure(theta);
        value.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn measure(&self, theta: &Tensor<1>) -> Result<f64, ResponseError> {
        let read = |value| self.shared.read(value);
        let theta = &self.shared.cost.model().vectors(theta.clone())?;
        let moved = theta.clone() - self.theta().clone();
        let distance = read(moved.clone().square().sum())?;
        let cost = match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => {
                let square = read(theta.clone().square().sum())?;
                let losses = self.shared.cost.at(theta.clone())?.losses()?;
                read(losses.mean())? + 0.5 * self.shared.cost.l2() * square
            }
            ResponseKind::Bregman => {
                let divergence = self.shared.divergence()?.at(theta.clone())?;
                read(divergence.losses()?.mean())?
            }
            ResponseKind::Linearized => return finite(self.quadratic(moved)?.0, theta),
        };
        let removed = match &self.removed {
            Some(removed) => read(removed.at(theta.clone())?.losses()?.mean())?,
            None => 0.0,
        };
        let value = cost - self.weight * removed + 0.5 * self.strength() * distance;
        finite(value, theta)
    }

    /// The value, as [`value`](Self::value), and the gradient, `[dim]`, at `theta`, over all examples.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn value_and_gradient(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let theta = &self.shared.cost.model().vectors(theta.clone())?;
        let found = self.examine(theta);
        found.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn examine(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let (value, gradient) = self.evaluate(theta)?;
        if value.is_finite() && norm(&gradient)?.is_finite() {
            return Ok((value, gradient));
        }
        // Whichever part it is says why.
        let cost = match self.kind {
            ResponseKind::Linearized => None,
            _ => Some(self.shared.cost.at(theta.clone())?),
        };
        for part in cost.into_iter().chain(self.removed_at(theta)?) {
            part.value_and_gradient()?;
        }
        let moved = theta.clone() - self.theta().clone();
        self.shared.matrix.apply(moved)?;
        finite(f64::NAN, theta).map(|value| (value, gradient))
    }

    /// The same, whatever the numbers are.
    fn evaluate(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let moved = theta.clone() - self.theta().clone();
        let (mut value, mut gradient) = match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => {
                let cost = self.shared.cost.at(theta.clone())?.unchecked();
                cost.value_and_gradient()?
            }
            ResponseKind::Bregman => {
                let divergence = self.shared.divergence()?.at(theta.clone())?;
                divergence.unchecked().value_and_gradient()?
            }
            ResponseKind::Linearized => return self.quadratic(moved),
        };
        if let Some(removed) = self.removed_at(theta)? {
            let (loss, slope) = removed.unchecked().value_and_gradient()?;
            value = value - loss * self.weight;
            gradient = gradient - slope * self.weight;
        }
        let strength = self.strength();
        if strength > 0.0 {
            value = value + moved.clone().square().sum() * (0.5 * strength);
            gradient = gradient + moved * strength;
        }
        Ok((self.shared.read(value)?, gradient))
    }

    /// The removed examples' mean loss at `theta`.
    pub(super) fn removed_at(&self, theta: &Tensor<1>) -> Result<Option<Cost>, ResponseError> {
        let removed = self.removed.as_ref().map(|it| it.at(theta.clone()));
        Ok(removed.transpose()?)
    }

    /// Minimises from `from` by L-BFGS over all examples, until the gradient is small or nothing is left to gain. For
    /// the linearised objective a [`Solver`](crate::Solver) does the same in fewer products.
    ///
    /// # Errors
    /// [`ResponseError::NotConverged`], [`ResponseError::Diverged`], [`ResponseError::Setting`] for a tolerance outside
    /// (0, 1); those of [`value`](Self::value).
    pub fn minimize(&self, from: Tensor<1>, stop: Stop) -> Result<Minimum, ResponseError> {
        self.minimize_watched(from, stop, |_, _| {})
    }

    /// The same; `on_step` is called after each step with its number and the gradient's norm relative to that at the
    /// start.
    ///
    /// # Errors
    /// As [`minimize`](Self::minimize).
    pub fn minimize_watched(
        &self,
        from: Tensor<1>,
        stop: Stop,
        mut on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        stop.check()?;
        let from = self.shared.cost.model().vectors(from)?;
        let precision = from.dtype().finfo().map_or(0.0, |info| info.epsilon);
        let mut run = || {
            let slope = match self.removed_at(&from)? {
                Some(removed) => norm(&removed.gradient()?)?,
                None => 0.0,
            };
            let function = Resolved {
                objective: self,
                resolution: 10.0 * precision * slope,
            };
            minimize(&function, from.clone(), stop, &mut on_step)
        };
        run().map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    /// Value and gradient of the linearised objective at `theta_s + d`.
    fn quadratic(&self, d: Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let product = self.shared.matrix.product(d.clone())? + d.clone() * self.shared.damping;
        let (value, gradient) = match &self.pull {
            Some(pull) => (product.clone() * 0.5 - pull.clone(), product - pull.clone()),
            None => (product.clone() * 0.5, product),
        };
        Ok((self.shared.read((value * d).sum())?, gradient))
    }

    /// Of the proximal term, beside what the cost or the matrix has in it.
    pub(super) fn strength(&self) -> f64 {
        match self.kind {
            ResponseKind::Retraining => 0.0,
            ResponseKind::Proximal | ResponseKind::Linearized => self.shared.damping,
            ResponseKind::Bregman => self.shared.damping + self.shared.cost.l2(),
        }
    }
}

/// An objective with the precision of its gradient.
struct Resolved<'a, 'b> {
    objective: &'a Objective<'b>,
    resolution: f64,
}

impl Smooth for Resolved<'_, '_> {
    fn resolution(&self) -> f64 {
        self.resolution
    }

    fn modulus(&self) -> f64 {
        let l2 = self.objective.shared.cost.l2();
        match self.objective.kind {
            ResponseKind::Bregman => self.objective.strength(),
            _ => self.objective.strength() + l2,
        }
    }

    fn value_and_gradient(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        self.objective.evaluate(theta)
    }

    fn not_finite(&self, theta: &Tensor<1>) -> ResponseError {
        let found = self.objective.value_and_gradient(theta);
        found.err().unwrap_or(ResponseError::Diverged)
    }

    /// Where steps were made, they went down wherever they could, and with no example's loss counting less than nothing
    /// the objective is bounded below: so it is looked at only otherwise.
    fn curves_down(&self, theta: &Tensor<1>, steps: usize) -> Result<bool, ResponseError> {
        match steps == 0 || self.objective.is_overdrawn() {
            true => self.objective.curves_down(theta),
            false => Ok(false),
        }
    }
}

/// A value at `theta`, whose parts are finite.
fn finite(value: f64, theta: &Tensor<1>) -> Result<f64, ResponseError> {
    if value.is_finite() {
        return Ok(value);
    }
    let (what, dtype) = ("the objective", theta.dtype());
    let cause = Cause::Overflow { dtype };
    Err(CurvatureError::NotFinite { what, cause }.into())
}
