//! The Newton estimate of a group, by a solve with the curvature of the rest.

use backdraft_curvature::{Cost, CurvatureError, LinearOperator, Without};

use super::newton::check_one_weight;
use crate::{Solution, SolveError, Solver, response::Removal};

/// The Newton estimate of one removal, as [`newton_estimates`](super::newton_estimates), by one solve with the matrix
/// itself, `(A - eps sum of H_z) delta = eps sum of grad L(z)`: for groups of any size, and for any matrix that is a
/// mean over examples, the Hessian among them. `matrix` is the damped curvature of `train`.
///
/// # Errors
/// [`SolveError::NotOverExamples`] for a matrix of which no part can be taken; the solver's, such as
/// [`SolveError::NegativeCurvature`] where the rest is not positive definite.
pub fn newton_step(
    train: &Cost,
    matrix: &dyn LinearOperator,
    solver: &dyn Solver,
    removal: &Removal,
) -> Result<Solution, SolveError> {
    check_one_weight(removal)?;
    if removal.is_none() {
        let zero = train.model().theta().zeros_like();
        return solver.prepare(matrix)?.solve(zero);
    }
    let gradient = train
        .select(&removal.examples)
        .and_then(|it| it.gradient())?;
    let weight = removal.epsilon * removal.examples.len() as f64;
    let rest = Without::new(matrix, removal.examples.clone(), removal.epsilon);
    let rest = rest.map_err(|error| match error {
        CurvatureError::NotOverExamples { name } => SolveError::NotOverExamples { name },
        other => other.into(),
    })?;
    solver.solve(&rest, gradient * weight)
}
