//! The proximal Bregman response function.

use backdraft_curvature::{Cost, Loss};
use burn::Tensor;
use serde::Serialize;

use crate::{
    Bregman, ResponseError,
    minimize::{Minimum, Objective, Stop, minimize, norm},
};

/// Settings of a [`Pbrf`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PbrfConfig {
    /// Strength `lambda` of the proximal term.
    pub damping: f64,
    /// Weight taken off the removed example; `None`: `1/N`, which removes it.
    pub epsilon: Option<f64>,
    /// The gradient's norm, relative to the one at the start, at which the objective counts as minimised.
    pub tolerance: f64,
    /// A piecewise smooth network (ReLU, max pooling) may have its minimum at a kink, where no gradient vanishes: the objective
    /// also counts as minimised once ten steps lower it by no more than this share of its whole decrease.
    pub decrease: f64,
    /// Most steps of the minimiser.
    pub max_steps: usize,
}

impl PbrfConfig {
    /// Removal of an example under the proximal strength `damping`, minimised until the gradient has fallen by 1e4 or the
    /// objective falls no further.
    pub fn new(damping: f64) -> Self {
        Self {
            damping,
            epsilon: None,
            tolerance: 1e-4,
            decrease: 1e-6,
            max_steps: 2_000,
        }
    }
}

/// The proximal Bregman response function (Bae et al. 2022, Eqns 8 and 9): the parameters that minimise
///
/// ```text
/// Q(theta) = 1/N sum over i of D(f(theta; x_i), f(theta_s; x_i)) - eps L(z) + lambda/2 ||theta - theta_s||^2
/// ```
///
/// where `z` is the removed example, `theta_s` the trained parameters and `D` the Bregman divergence of the loss. This is what
/// influence functions with the Gauss-Newton matrix and damping `lambda` approximate to first order in `eps`. The divergence of a
/// cost's L2 term is a proximal term too: its strength is added to `lambda`.
pub struct Pbrf<L: Loss> {
    divergence: Cost<Bregman<L>>,
    cost: Cost<L>,
    theta: Tensor<1>,
    /// Of the proximal term: the damping and the cost's L2 term.
    strength: f64,
    config: PbrfConfig,
}

impl<L: Loss> Pbrf<L> {
    /// Responses of the model of `cost`, at its present parameters `theta_s`, to the removal of an example of `cost`.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a damping that is not positive, a tolerance outside (0, 1) or an epsilon that is not
    /// finite; [`ResponseError::Curvature`].
    pub fn new(cost: &Cost<L>, config: PbrfConfig) -> Result<Self, ResponseError> {
        let wrong = |name, problem: String| Err(ResponseError::Setting { name, problem });
        let strength = config.damping + cost.l2();
        if !(strength > 0.0 && config.damping >= 0.0 && strength.is_finite()) {
            return wrong(
                "damping",
                format!("is {}, must be positive", config.damping),
            );
        }
        if !(config.tolerance > 0.0 && config.tolerance < 1.0) {
            return wrong(
                "tolerance",
                format!("is {}, must lie between 0 and 1", config.tolerance),
            );
        }
        if !config.epsilon.is_none_or(f64::is_finite) {
            return wrong("epsilon", "must be finite".into());
        }
        let theta = cost.model().theta();
        Ok(Self {
            divergence: Bregman::of(cost)?,
            cost: cost.clone(),
            theta,
            strength,
            config,
        })
    }

    /// The trained parameters `theta_s`.
    pub fn theta(&self) -> &Tensor<1> {
        &self.theta
    }

    /// The response to the removal of the training example `index`: minimised from `theta_s` by L-BFGS, with nothing
    /// of any influence estimate in it.
    ///
    /// # Errors
    /// [`ResponseError::NotConverged`] if the gradient did not reach the tolerance; [`ResponseError::Curvature`] for an example
    /// that does not exist, among others.
    pub fn remove(&self, index: usize) -> Result<Minimum, ResponseError> {
        let epsilon = self.config.epsilon.unwrap_or(1.0 / self.cost.len() as f64);
        let removed = self.cost.select(&[index])?;
        let precision = self.theta.dtype().finfo().map_or(0.0, |info| info.epsilon);
        let removal = Removal {
            pbrf: self,
            epsilon,
            resolution: 10.0 * precision * norm(&removed.gradient()?)?,
            removed,
        };
        let stop = Stop {
            gradient: self.config.tolerance,
            decrease: self.config.decrease,
            steps: self.config.max_steps,
        };
        minimize(&removal, self.theta.clone(), stop)
    }
}

/// The objective for one removed example.
struct Removal<'a, L: Loss> {
    pbrf: &'a Pbrf<L>,
    removed: Cost<L>,
    epsilon: f64,
    resolution: f64,
}

impl<L: Loss> Objective for Removal<'_, L> {
    fn resolution(&self) -> f64 {
        self.resolution
    }

    fn modulus(&self) -> f64 {
        self.pbrf.strength
    }

    fn value_and_gradient(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let strength = self.pbrf.strength;
        let (divergence, slope) = self
            .pbrf
            .divergence
            .at(theta.clone())?
            .value_and_gradient()?;
        let (loss, removed) = self.removed.at(theta.clone())?.value_and_gradient()?;
        let moved = theta.clone() - self.pbrf.theta.clone();
        let distance = moved.clone().square().sum();
        let value = divergence - loss * self.epsilon + distance * (0.5 * strength);
        let gradient = slope - removed * self.epsilon + moved * strength;
        Ok((value.into_scalar(), gradient))
    }
}
