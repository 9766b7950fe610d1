//! First-order predictions of what the removal of a training example changes.

use backdraft_curvature::{Cost, CurvatureError, ExampleLosses};
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
pub fn scores(
    train: &impl ExampleLosses,
    solution: Tensor<1>,
) -> Result<Tensor<1>, CurvatureError> {
    Ok(train.along(solution)? / train.examples() as f64)
}

/// The [`scores`] of several measured quantities, `[k, N]`, from their solutions, the rows of `solutions`, `[k, dim]`:
/// row by row the same up to rounding, and what does not depend on the solutions is computed once.
///
/// # Errors
/// As [`scores`].
pub fn scores_many(
    train: &impl ExampleLosses,
    solutions: Tensor<2>,
) -> Result<Tensor<2>, CurvatureError> {
    Ok(train.along_many(solutions)? / train.examples() as f64)
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
