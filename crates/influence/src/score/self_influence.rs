//! What each training example does to itself.

use backdraft_curvature::{Cause, Cost, CurvatureError};
use burn::Tensor;

use crate::{Inverse, SolveError};

/// Examples whose self-influence is solved for at once.
const AT_ONCE: usize = 64;

/// The self-influence of the training examples `indices`: each one's score for its own loss,
/// `1/N <grad L_i, A^-1 grad L_i>`. Not negative for a positive definite `A`; large where the model has memorised the
/// example. A right-hand side an example, solved for 64 at once ([`Inverse::solve_many`]).
///
/// # Errors
/// Those of the solver; [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index).
pub fn self_influence(
    train: &Cost,
    solver: &dyn Inverse,
    indices: &[usize],
) -> Result<Vec<f64>, SolveError> {
    solved(train, None, solver, indices)
}

/// What the removal of each of the training examples `indices` is predicted to change of what is measured of itself,
/// `1/N <grad m_i, A^-1 grad L_i>`, of either sign. The losses of `measured` are what is measured: one an example, in
/// the order of `indices`, or as many for each, one after another (such as all its outputs). Solved for as
/// [`self_influence`].
///
/// # Errors
/// Those of the solver; [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index);
/// [`CurvatureError::Examples`](backdraft_curvature::CurvatureError::Examples) for a number of measured losses that is
/// no multiple of that of the indices.
pub fn self_influence_on(
    train: &Cost,
    measured: &Cost,
    solver: &dyn Inverse,
    indices: &[usize],
) -> Result<Vec<f64>, SolveError> {
    solved(train, Some(measured), solver, indices)
}

/// Measured is the loss itself, or what `measured` says.
fn solved(
    train: &Cost,
    measured: Option<&Cost>,
    solver: &dyn Inverse,
    indices: &[usize],
) -> Result<Vec<f64>, SolveError> {
    let gradient = |cost: &Cost, index: usize| {
        let gradient = cost.select(&[index])?.gradient().map_err(SolveError::from);
        gradient.map_err(|error| error.with_batch(Some(1)))
    };
    let each = rows_each(measured.map_or(indices.len(), Cost::len), indices.len())?;
    let mut found = Vec::with_capacity(each * indices.len());
    for (chunk, indices) in indices.chunks(AT_ONCE).enumerate() {
        let gradients: Vec<_> = indices
            .iter()
            .map(|&index| gradient(train, index))
            .collect::<Result<_, _>>()?;
        let solutions = solver.solve_many(gradients.clone())?;
        for (place, solution) in solutions.into_iter().enumerate() {
            let solution = solution?.vector;
            for row in 0..each {
                let own = match measured {
                    Some(cost) => gradient(cost, (chunk * AT_ONCE + place) * each + row)?,
                    None => gradients[place].clone(),
                };
                let product: f64 = (own * solution.clone()).sum().try_into_scalar()?;
                if !product.is_finite() {
                    // Both of its factors are finite.
                    return Err(not_finite(train));
                }
                found.push(product / train.len() as f64);
            }
        }
    }
    Ok(found)
}

/// How many losses are measured of each of so many examples, if `rows` are in all.
pub(super) fn rows_each(rows: usize, examples: usize) -> Result<usize, SolveError> {
    match examples {
        0 => Ok(1),
        _ if rows.is_multiple_of(examples) => Ok(rows / examples),
        _ => Err(CurvatureError::Examples {
            inputs: examples,
            targets: rows,
        }
        .into()),
    }
}

fn not_finite(train: &Cost) -> SolveError {
    SolveError::NotFinite {
        what: "a self-influence",
        cause: Cause::Overflow {
            dtype: train.model().dtype(),
        },
    }
}

/// Bytes of gradients that self-influence is computed of at once: 64 MiB.
const GRADIENTS: usize = 64 << 20;

/// The self-influence of all training examples, `1/N <grad L_i, A^-1 grad L_i>`, by what `inverse` makes of their
/// gradients without evidence ([`Inverse::apply_many`]): for inverses in closed form, exact ones and approximations,
/// for which all examples cost little more than their gradients.
///
/// # Errors
/// Those of the inverse; [`SolveError::NotFinite`].
pub fn self_influences(train: &Cost, inverse: &dyn Inverse) -> Result<Vec<f64>, SolveError> {
    applied(train, None, inverse)
}

/// The same of what is measured of each example, the losses of `measured`, as [`self_influence_on`] has it: one an
/// example, in the order of the training set.
///
/// # Errors
/// As [`self_influences`]; [`CurvatureError::Examples`](backdraft_curvature::CurvatureError::Examples) for another
/// number of measured losses than of training examples.
pub fn self_influences_on(
    train: &Cost,
    measured: &Cost,
    inverse: &dyn Inverse,
) -> Result<Vec<f64>, SolveError> {
    applied(train, Some(measured), inverse)
}

fn applied(
    train: &Cost,
    measured: Option<&Cost>,
    inverse: &dyn Inverse,
) -> Result<Vec<f64>, SolveError> {
    if let Some(measured) = measured.filter(|it| it.len() != train.len()) {
        return Err(CurvatureError::Examples {
            inputs: train.len(),
            targets: measured.len(),
        }
        .into());
    }
    let model = train.model();
    let at_once = GRADIENTS / (model.dim() * model.dtype().size()).max(1);
    let all: Vec<usize> = (0..train.len()).collect();
    let mut found = Vec::with_capacity(all.len());
    for examples in all.chunks(at_once.clamp(1, 1_024)) {
        let gradients = train.select(examples)?.gradients()?;
        let own = match measured {
            Some(measured) => measured.select(examples)?.gradients()?,
            None => gradients.clone(),
        };
        let products = own * inverse.apply_many(gradients)?;
        let products: Tensor<1> = products.sum_dim(1).squeeze_dim(1);
        found.extend(products.try_into_vec_as::<f64>()?);
    }
    if found.iter().any(|value| !value.is_finite()) {
        return Err(not_finite(train));
    }
    let count = train.len() as f64;
    Ok(found.into_iter().map(|value| value / count).collect())
}
