//! The influence estimate of a removal.

use std::collections::BTreeSet;

use backdraft_curvature::{Cost, CurvatureError};
use backdraft_optimize::norm;
use burn::Tensor;

use super::{Removal, reweighted::Reweighted};
use crate::{Inverse, Solution, SolveError};

/// The influence estimate: the change of the parameters that a removal is predicted to make,
/// `theta(without) - theta(with)`, `[dim]`,
///
/// ```text
/// A^-1 sum over z of eps_z grad L(z)
/// ```
///
/// (Bae et al. 2022, Eqns 4 and 10, for one example or a group, with one `eps` for all or one for each). `solver` is
/// made ready for the curvature `A` of `cost`, damped. It is linear in `eps`. With the Gauss-Newton matrix it is where
/// the minimum of [`ResponseKind::Linearized`](super::ResponseKind::Linearized) is. The evidence in [`Solution::info`]
/// is of the linear system.
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
    check_finite(removals)?;
    let gradients = mean_gradients(cost, removals).map_err(SolveError::from);
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

/// Refuses an `epsilon` that is not finite.
pub(crate) fn check_finite(removals: &[Removal]) -> Result<(), SolveError> {
    let finite = |it: &&Removal| !it.weights().all(|(_, taken)| taken.is_finite());
    match removals.iter().find(finite) {
        Some(removal) => Err(SolveError::Setting {
            name: "epsilon",
            problem: format!("is {:?}, must be finite", removal.epsilon),
        }),
        None => Ok(()),
    }
}

/// The gradient of the mean loss of each removal's examples, `[dim]`, each loss times its factor of `eps` if it has its
/// own; zeros for none.
pub(crate) fn mean_gradients(
    cost: &Cost,
    removals: &[Removal],
) -> Result<Vec<Tensor<1>>, CurvatureError> {
    // The examples with weights of their own, under one loss whose programs all groups share.
    let weighed = removals.iter().filter(|it| it.factors().is_some());
    let weighed: BTreeSet<usize> = weighed.flat_map(|it| it.examples.clone()).collect();
    let weighed: Vec<usize> = weighed.into_iter().collect();
    let reweighted = match weighed.is_empty() {
        true => None,
        false => Some(Reweighted::of(&cost.select(&weighed)?)?),
    };
    let gradient = |removal: &Removal| match (removal.factors().zip(reweighted.as_ref()), removal) {
        (_, removal) if removal.examples.is_empty() => Ok(cost.model().theta().zeros_like()),
        (None, removal) => cost.select(&removal.examples)?.gradient(),
        (Some((factors, reweighted)), removal) => {
            let place = |example: &usize| weighed.partition_point(|it| it < example);
            let places: Vec<usize> = removal.examples.iter().map(place).collect();
            Reweighted::with_weights(&reweighted.select(&places)?, factors)?.gradient()
        }
    };
    removals.iter().map(gradient).collect()
}
