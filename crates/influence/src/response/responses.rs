//! What the response functions of a trained network share.

use std::sync::OnceLock;

use backdraft_curvature::{Cost, Curvature};
use burn::tensor::{Tensor, TensorData};

use super::{Bregman, ResponseError, ResponseKind, reweighted::Reweighted};

/// Numbers in the training set's outputs above which their gradients are computed for each batch again rather than
/// kept.
const KEPT: usize = 1 << 26;

/// The response functions of a trained network.
pub struct Responses {
    pub(super) cost: Cost,
    pub(super) theta: Tensor<1>,
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
        Ok(Self::held(cost, damping))
    }

    /// The same without a proximal term, and with or without an L2 term: for a cost that has a minimum by itself, such
    /// as least squares with more examples than parameters.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for an L2 term that is negative or not finite.
    pub fn undamped(cost: &Cost) -> Result<Self, ResponseError> {
        if cost.l2() == 0.0 {
            return Ok(Self::held(cost, 0.0));
        }
        Self::new(cost, 0.0)
    }

    fn held(cost: &Cost, damping: f64) -> Self {
        Self {
            theta: cost.model().theta(),
            matrix: cost.gauss_newton(),
            cost: cost.clone(),
            damping,
            divergence: OnceLock::new(),
            reweighted: OnceLock::new(),
            slopes: OnceLock::new(),
        }
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

    /// The cost under the reweighted loss; weights and slopes are given with each part of it.
    pub(super) fn reweighted(&self) -> Result<&Cost, ResponseError> {
        if self.reweighted.get().is_none() {
            let _ = self.reweighted.set(Reweighted::of(&self.cost)?);
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
