//! The Newton estimate of a group, by a solve with the curvature of the rest.

use backdraft_curvature::{Cost, CurvatureError, LinearOperator, Without};

use crate::{
    Solution, SolveError, Solver,
    response::{Removal, check_finite, mean_gradients},
};

/// The Newton estimate of one removal, as [`newton_estimates`](super::newton_estimates), by one solve with the matrix
/// itself, `(A - sum of eps_z H_z) delta = sum of eps_z grad L(z)`: for groups of any size, and for any matrix that is
/// a mean over examples, the Hessian among them. `matrix` is the damped curvature of `train`.
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
    check_finite(std::slice::from_ref(removal))?;
    if removal.is_none() {
        let zero = train.model().theta().zeros_like();
        return solver.prepare(matrix)?.solve(zero);
    }
    let gradient = mean_gradients(train, std::slice::from_ref(removal))?.remove(0);
    let weight = removal.epsilon * removal.examples.len() as f64;
    let rest = Without::new(matrix, removal.weights());
    let rest = rest.map_err(|error| match error {
        CurvatureError::NotOverExamples { name } => SolveError::NotOverExamples { name },
        other => other.into(),
    })?;
    solver.solve(&rest, gradient * weight)
}
