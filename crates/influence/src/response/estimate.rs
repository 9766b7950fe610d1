//! The influence estimate of a removal.

use backdraft_curvature::Cost;
use backdraft_optimize::norm;

use super::Removal;
use crate::{Inverse, Solution, SolveError};

/// The influence estimate: the change of the parameters that a removal is predicted to make,
/// `theta(without) - theta(with)`, `[dim]`,
///
/// ```text
/// eps A^-1 sum over z of grad L(z)
/// ```
///
/// (Bae et al. 2022, Eqns 4 and 10, for one example or a group). `solver` is made ready for the curvature `A` of
/// `cost`, damped. It is linear in `eps`. With the Gauss-Newton matrix it is where the minimum of
/// [`ResponseKind::Linearized`](super::ResponseKind::Linearized) is. The evidence in [`Solution::info`] is of the
/// linear system.
///
/// # Errors
/// Those of the solver, with what it reached in [`SolveError::NotConverged`] being the estimate too;
/// [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index).
pub fn estimate(
    cost: &Cost,
    solver: &dyn Inverse,
    removal: &Removal,
) -> Result<Solution, SolveError> {
    estimate_all(cost, solver, std::slice::from_ref(removal))?.remove(0)
}

/// The estimates of several removals, each to the same bits as by itself; what they share is done once
/// ([`Inverse::solve_many`]).
///
/// # Errors
/// What fails for all, [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index), and
/// [`SolveError::Setting`] for an `epsilon` that is not finite; each result, as [`estimate`], and
/// [`SolveError::Setting`] where `epsilon` makes it overflow.
pub fn estimate_all(
    cost: &Cost,
    solver: &dyn Inverse,
    removals: &[Removal],
) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
    if let Some(removal) = removals.iter().find(|it| !it.epsilon.is_finite()) {
        return Err(SolveError::Setting {
            name: "epsilon",
            problem: format!("is {:?}, must be finite", removal.epsilon),
        });
    }
    let gradient = |removal: &Removal| match removal.examples.as_slice() {
        [] => Ok(cost.model().theta().zeros_like()),
        examples => cost.select(examples)?.gradient(),
    };
    let gradients = removals.iter().map(gradient).collect::<Result<_, _>>();
    let gradients = gradients.map_err(SolveError::from);
    let gradients = gradients.map_err(|error| error.with_batch(Some(cost.batch_size())))?;
    let found = solver.solve_many(gradients)?;
    let weighted = found.into_iter().zip(removals).map(|(found, removal)| {
        let weight = removal.epsilon * removal.examples.len() as f64;
        let weighted = |mut solution: Solution| {
            solution.vector = solution.vector * weight;
            // A weight of at most one makes no vector larger, and that of the solver is finite.
            if weight.abs() > 1.0 && norm(&solution.vector)?.is_nan() {
                let (epsilon, dtype) = (removal.epsilon, solution.vector.dtype());
                return Err(SolveError::Setting {
                    name: "epsilon",
                    problem: format!("is {epsilon:?}, with which the estimate overflows {dtype:?}"),
                });
            }
            Ok(solution)
        };
        match found {
            Err(SolveError::NotConverged { solution, remedy }) => Err(SolveError::NotConverged {
                solution: Box::new(weighted(*solution)?),
                remedy,
            }),
            found => found.and_then(weighted),
        }
    });
    Ok(weighted.collect())
}
