//! Whether an objective curves downwards.

use backdraft_curvature::LinearOperator;
use backdraft_optimize::norm;
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{ObjectiveHessian, ResponseError, ResponseObjective};
use crate::{ConjugateGradientConfig, SolveError, solver::random_signs};

/// Most products that a direction of negative curvature is looked for with.
const PRODUCTS: usize = 20;
/// How well the system that is solved on the way needs to be solved.
const TOLERANCE: f64 = 0.1;
/// Roundings of the matrix by which a curvature may seem negative.
const ROUNDINGS: f64 = 1e3;

impl ResponseObjective<'_> {
    /// Whether the objective curves downwards at `theta`: along a direction that conjugate gradients come to when they
    /// start from what the removed examples weigh on most, for it is their loss that may count less than nothing.
    pub(super) fn curves_down(&self, theta: &Tensor<1>) -> Result<bool, ResponseError> {
        let hessian = self.hessian(theta)?;
        let signs = signs(&hessian);
        let start = match self.removed_at(theta)? {
            Some(removed) => removed.gauss_newton().product(signs.clone())?,
            None => signs.clone(),
        };
        let start = if norm(&start)? == 0.0 { signs } else { start };
        curves_down_from(&hessian, start)
    }

    /// Whether the loss of a removed example counts less than nothing.
    pub(super) fn is_overdrawn(&self) -> bool {
        let share = 1.0 / self.shared.cost.len() as f64;
        // Not by rounding alone.
        let whole = share * (1.0 + 4.0 * f64::EPSILON);
        self.removal().weights().any(|(_, taken)| taken > whole)
    }
}

/// A vector like those of `hessian`, of signs drawn at random, the same each time.
pub(crate) fn signs(hessian: &ObjectiveHessian) -> Tensor<1> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    random_signs(hessian, 1, &mut rng).squeeze_dim(0)
}

/// Whether `hessian` has negative curvature along a direction that conjugate gradients come to from `start`.
pub(crate) fn curves_down_from(
    hessian: &ObjectiveHessian,
    start: Tensor<1>,
) -> Result<bool, ResponseError> {
    let config = ConjugateGradientConfig {
        tolerance: Some(TOLERANCE),
        max_iterations: Some(PRODUCTS),
        ..Default::default()
    };
    match config.init()?.solve(hessian, start.clone()) {
        Err(SolveError::NegativeCurvature { curvature, .. }) => {
            let size = norm(&hessian.apply(start.clone())?)? / norm(&start)?;
            let precision = hessian.dtype().finfo().map_or(0.0, |it| it.epsilon);
            Ok(curvature < -ROUNDINGS * precision * size)
        }
        Ok(_) | Err(SolveError::NotConverged { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
