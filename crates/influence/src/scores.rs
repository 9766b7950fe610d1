//! First-order predictions of what the removal of a training example changes.

use backdraft_curvature::{Cause, Cost, CurvatureError};
use burn::Tensor;

use crate::{
    Inverse, SolveError,
    response::{Removal, estimate},
};

/// The scores of all training examples for one measured quantity, `[N]`.
///
/// `solution` is `s = A^-1 grad m`, with `grad m` the gradient of the measured quantity `m` (say, a test example's
/// loss) and `A` the curvature of `train`, damped. The score of example `i` is
///
/// ```text
/// score_i = 1/N <grad L_i, s>
/// ```
///
/// the first-order prediction of `m(without i) - m(with i)`, in the units of `m`, factor `1/N` included (Koh & Liang
/// 2017; Bae et al. 2022, Eqn 4). Positive: removing the example raises `m`; if `m` is a loss, the example helped. One
/// forward-mode pass a batch; no example's gradient is formed.
///
/// # Errors
/// [`CurvatureError::Dimension`], [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
pub fn scores(train: &Cost, solution: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
    Ok(train.directional_derivatives(solution)? / train.len() as f64)
}

/// The [`scores`] of several measured quantities, `[k, N]`, from their solutions, the rows of `solutions`, `[k, dim]`:
/// row by row the same up to rounding, and what does not depend on the solutions is computed once.
///
/// # Errors
/// As [`scores`].
pub fn scores_many(train: &Cost, solutions: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
    Ok(train.directional_derivatives_many(solutions)? / train.len() as f64)
}

/// How the measured quantity answers to changes of the training *inputs*, in their shape: for example `i`
///
/// ```text
/// - 1/N grad_x <grad L_i, s>
/// ```
///
/// the first-order change of `m` for each unit added to an input, factor `1/N` included, with `solution` as in
/// [`scores`] (Koh & Liang 2017, Section 2.2). A step against it lowers `m`: the direction in which to perturb an
/// example so that the network does better on the query after it is trained again.
///
/// # Errors
/// [`CurvatureError::Dimension`]; [`CurvatureError::Program`] if the inputs are not floats;
/// [`CurvatureError::NotFinite`].
pub fn input_scores<const D: usize>(
    train: &Cost,
    solution: Tensor<1>,
) -> Result<Tensor<D>, CurvatureError> {
    Ok(train.input_derivatives::<Tensor<D>>(solution)? / -(train.len() as f64))
}

/// The predicted change of the parameters when training example `index` is removed, `theta(without) - theta(with)`,
/// `[dim]`:
///
/// ```text
/// 1/N A^-1 grad L_index
/// ```
///
/// `solver` is made ready for the curvature `A` of `train`, damped. For groups and other weights, see [`estimate`].
///
/// # Errors
/// Those of the solver; [`CurvatureError::Index`].
pub fn parameter_change(
    train: &Cost,
    solver: &dyn Inverse,
    index: usize,
) -> Result<Tensor<1>, SolveError> {
    let removal = Removal::of(vec![index], train.len());
    Ok(estimate(train, solver, &removal)?.vector)
}

/// Examples whose self-influence is solved for at once.
const AT_ONCE: usize = 64;

/// The self-influence of the training examples `indices`: each one's score for its own loss,
/// `1/N <grad L_i, A^-1 grad L_i>`. Not negative for a positive definite `A`; large where the model has memorised the
/// example. A right-hand side an example, solved for 64 at once ([`Inverse::solve_many`]).
///
/// # Errors
/// Those of the solver; [`CurvatureError::Index`].
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
