//! Whether an objective curves downwards.

use backdraft_curvature::{CurvatureError, LinearOperator};
use backdraft_optimize::norm;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{ResponseError, ResponseKind, ResponseObjective};
use crate::{ConjugateGradientConfig, SolveError};

/// Most products that a direction of negative curvature is looked for with.
const PRODUCTS: usize = 20;
/// How well the system that is solved on the way needs to be solved.
const TOLERANCE: f64 = 0.1;
/// Roundings of the matrix by which a curvature may seem negative.
const ROUNDINGS: f64 = 1e3;

/// The Hessian of an objective: a sum of factors times matrices, and a multiple of the identity.
struct Bent {
    parts: Vec<(f64, Box<dyn LinearOperator>)>,
    strength: f64,
    device: Device,
    dtype: DType,
    dim: usize,
}

impl LinearOperator for Bent {
    fn dim(&self) -> usize {
        self.dim
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let mut total = v.clone() * self.strength;
        for (factor, part) in &self.parts {
            total = total + part.product(v.clone())? * *factor;
        }
        Ok(total)
    }
}

impl ResponseObjective<'_> {
    /// Whether the objective curves downwards at `theta`: along a direction that conjugate gradients come to when they
    /// start from what the removed examples weigh on most, for it is their loss that may count less than nothing.
    pub(super) fn curves_down(&self, theta: &Tensor<1>) -> Result<bool, ResponseError> {
        let hessian = self.hessian(theta)?;
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let signs: Vec<f64> = (0..hessian.dim)
            .map(|_| if rng.random() { 1.0 } else { -1.0 })
            .collect();
        let data = TensorData::new(signs, [hessian.dim]);
        let signs = Tensor::<1>::from_data(data, (&hessian.device, hessian.dtype));
        let start = match self.removed_at(theta)? {
            Some(removed) => removed.gauss_newton().product(signs.clone())?,
            None => signs.clone(),
        };
        let start = if norm(&start)? == 0.0 { signs } else { start };
        let config = ConjugateGradientConfig {
            tolerance: Some(TOLERANCE),
            max_iterations: Some(PRODUCTS),
            ..Default::default()
        };
        match config.init()?.solve(&hessian, start.clone()) {
            Err(SolveError::NegativeCurvature { curvature, .. }) => {
                let size = norm(&hessian.apply(start.clone())?)? / norm(&start)?;
                let precision = hessian.dtype.finfo().map_or(0.0, |it| it.epsilon);
                Ok(curvature < -ROUNDINGS * precision * size)
            }
            Ok(_) | Err(SolveError::NotConverged { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the loss of a removed example counts less than nothing.
    pub(super) fn is_overdrawn(&self) -> bool {
        let share = 1.0 / self.shared.cost.len() as f64;
        // Not by rounding alone.
        let whole = share * (1.0 + 4.0 * f64::EPSILON);
        self.removal().weights().any(|(_, taken)| taken > whole)
    }

    fn hessian(&self, theta: &Tensor<1>) -> Result<Bent, ResponseError> {
        let shared = self.shared;
        let mut parts: Vec<(f64, Box<dyn LinearOperator>)> = vec![match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => {
                (1.0, Box::new(shared.cost.at(theta.clone())?.hessian()))
            }
            ResponseKind::Bregman => {
                let divergence = shared.divergence()?.at(theta.clone())?;
                (1.0, Box::new(divergence.hessian()))
            }
            ResponseKind::Linearized => (1.0, Box::new(shared.cost.gauss_newton())),
        }];
        if self.kind != ResponseKind::Linearized {
            if let Some(removed) = self.removed_at(theta)? {
                parts.push((-self.weight, Box::new(removed.hessian())));
            }
            if let Some((added, weight)) = self.added_at(theta)? {
                parts.push((weight, Box::new(added.hessian())));
            }
        }
        Ok(Bent {
            parts,
            strength: self.strength(),
            device: theta.device(),
            dtype: theta.dtype(),
            dim: theta.dims()[0],
        })
    }
}
