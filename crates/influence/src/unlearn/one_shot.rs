//! Unlearning in one step.

use backdraft_curvature::{Cost, LinearOperator};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{UnlearnError, weighted_descent::example_weights};
use crate::{
    Solution, Solver, newton_step,
    response::{Removal, estimate},
};

/// Which estimate of the change is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OneShot {
    /// Influence: the curvature with the examples still in it, [`estimate`].
    Influence,
    /// The Newton step of the objective without them, [`newton_step`].
    Newton,
}

/// The parameters `theta + change`, `[dim]`, for the change `theta(without) - theta(with)` that influence or a Newton
/// step predicts of `removal` at the parameters of `train`, and the evidence of the linear system. Both are of the
/// forgotten examples' gradients alone: what is left of the gradient of an objective that is not at its minimum is not
/// gone down.
///
/// `matrix` is the damped curvature of `train`. They come without a certificate: how far off they are depends on third
/// derivatives.
///
/// # Errors
/// [`UnlearnError::Example`], [`UnlearnError::Setting`] as [`WeightedDescent::new`](super::WeightedDescent::new); the
/// solver's.
pub fn one_shot(
    kind: OneShot,
    train: &Cost,
    matrix: &dyn LinearOperator,
    solver: &dyn Solver,
    removal: &Removal,
) -> Result<(Tensor<1>, Solution), UnlearnError> {
    example_weights(removal, train.len())?;
    let solution = match kind {
        OneShot::Influence => estimate(train, &*solver.prepare(matrix)?, removal)?,
        OneShot::Newton => newton_step(train, matrix, solver, removal)?,
    };
    let theta = train.model().theta() + solution.vector.clone();
    Ok((theta, solution))
}
