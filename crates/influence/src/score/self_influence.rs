//! What each training example does to itself.

use backdraft_curvature::{Cause, Cost};
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
    let gradient = |&index: &usize| {
        let gradient = train.select(&[index])?.gradient().map_err(SolveError::from);
        gradient.map_err(|error| error.with_batch(Some(1)))
    };
    let mut found = Vec::with_capacity(indices.len());
    for indices in indices.chunks(AT_ONCE) {
        let gradients: Vec<_> = indices.iter().map(gradient).collect::<Result<_, _>>()?;
        for (solution, gradient) in solver
            .solve_many(gradients.clone())?
            .into_iter()
            .zip(gradients)
        {
            let product: f64 = (gradient * solution?.vector).sum().try_into_scalar()?;
            if !product.is_finite() {
                // Both of its factors are finite.
                return Err(SolveError::NotFinite {
                    what: "a self-influence",
                    cause: Cause::Overflow {
                        dtype: train.model().dtype(),
                    },
                });
            }
            found.push(product / train.len() as f64);
        }
    }
    Ok(found)
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
    let model = train.model();
    let at_once = GRADIENTS / (model.dim() * model.dtype().size()).max(1);
    let all: Vec<usize> = (0..train.len()).collect();
    let mut found = Vec::with_capacity(all.len());
    for examples in all.chunks(at_once.clamp(1, 1_024)) {
        let gradients = train.select(examples)?.gradients()?;
        let products = gradients.clone() * inverse.apply_many(gradients)?;
        let products: Tensor<1> = products.sum_dim(1).squeeze_dim(1);
        found.extend(products.try_into_vec_as::<f64>()?);
    }
    if found.iter().any(|value| !value.is_finite()) {
        return Err(SolveError::NotFinite {
            what: "a self-influence",
            cause: Cause::Overflow {
                dtype: model.dtype(),
            },
        });
    }
    let count = train.len() as f64;
    Ok(found.into_iter().map(|value| value / count).collect())
}
