//! The proximal Bregman response function.

use backdraft_curvature::Cost;
use burn::Tensor;
use serde::Serialize;

use super::{Minimum, Removal, ResponseError, ResponseKind, Responses, Stop};

/// Settings of a [`Pbrf`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PbrfConfig {
    /// Strength `lambda` of the proximal term.
    pub damping: f64,
    /// Weight taken off the removed example; `None`: `1/N`, which removes it.
    pub epsilon: Option<f64>,
    /// The gradient's norm, relative to the one at the start, at which the objective counts as minimised.
    pub tolerance: f64,
    /// A piecewise smooth network (ReLU, max pooling) may have its minimum at a kink, where no gradient vanishes: the
    /// objective also counts as minimised once ten steps lower it by no more than this share of its whole decrease.
    pub decrease: f64,
    /// Most steps of the minimiser.
    pub max_steps: usize,
}

impl PbrfConfig {
    fn stop(&self) -> Stop {
        Stop {
            tolerance: self.tolerance,
            decrease: self.decrease,
            max_steps: self.max_steps,
        }
    }

    /// Removal of an example under the proximal strength `damping`, minimised until the gradient has fallen by 1e4 or
    /// the objective falls no further.
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
/// where `z` is the removed example, `theta_s` the trained parameters and `D` the Bregman divergence of the loss. This
/// is what influence functions with the Gauss-Newton matrix and damping `lambda` approximate to first order in `eps`.
/// It is
/// [`ResponseKind::Bregman`] of [`Responses`], minimised until nothing is left to gain.
pub struct Pbrf {
    responses: Responses,
    config: PbrfConfig,
}

impl Pbrf {
    /// Responses of the model of `cost`, at its present parameters `theta_s`, to the removal of an example of `cost`.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a damping that is not positive, a tolerance outside (0, 1) or an epsilon that is
    /// not finite; [`ResponseError::Curvature`].
    pub fn new(cost: &Cost, config: PbrfConfig) -> Result<Self, ResponseError> {
        if !config.epsilon.is_none_or(f64::is_finite) {
            return Err(ResponseError::setting("epsilon", "must be finite"));
        }
        config.stop().check()?;
        let responses = Responses::new(cost, config.damping)?;
        responses.prepare(ResponseKind::Bregman)?;
        Ok(Self { responses, config })
    }

    /// The trained parameters `theta_s`.
    pub fn theta(&self) -> &Tensor<1> {
        self.responses.theta()
    }

    /// The response to the removal of the training example `index`: minimised from `theta_s` by L-BFGS, with nothing
    /// of any influence estimate in it.
    ///
    /// # Errors
    /// [`ResponseError::NotConverged`] if the gradient did not reach the tolerance; [`ResponseError::Curvature`] for an
    /// example that does not exist, among others; otherwise as
    /// [`ResponseObjective::minimize`](super::ResponseObjective::minimize).
    pub fn remove(&self, index: usize) -> Result<Minimum, ResponseError> {
        self.remove_all(&[index])
    }

    /// The response to the removal of several training examples at once.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn remove_all(&self, indices: &[usize]) -> Result<Minimum, ResponseError> {
        let cost = self.responses.cost();
        let removal = match self.config.epsilon {
            Some(epsilon) => Removal::downweight(indices.to_vec(), epsilon),
            None => Removal::of(indices.to_vec(), cost.len()),
        };
        self.responses
            .objective(ResponseKind::Bregman, removal)?
            .minimize(self.theta().clone(), self.config.stop())
    }
}
