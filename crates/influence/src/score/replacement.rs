//! What it does that a training example is replaced by another: other inputs, another label, or both.
//!
//! With `z` taken out and `z'` put in its place, mass `1/N` moves from one to the other, and the parameters change to
//! first order in that mass by
//!
//! ```text
//! - 1/N A^-1 (grad L(z') - grad L(z))
//! ```
//!
//! (Koh & Liang 2017, Section 2.2). That is no expansion in the difference of the two: `z'` may be as far from `z` as
//! it likes, another word in a sentence, another class.

use backdraft_curvature::{Cost, CurvatureError, Rows};
use burn::Tensor;

use crate::{Inverse, Solution, SolveError};

/// The predicted changes of several measured quantities when training examples are replaced, each by itself, `[k, M]`:
/// in column `j` those of the example `indices[j]` of `train` replaced by the example `j` of `replacements`,
///
/// ```text
/// - 1/N <grad L(z'_j) - grad L(z_j), s>
/// ```
///
/// `m(replaced) - m(as it was)`, in the units of `m`, factor `1/N` included. `solutions` has the solutions
/// `s = A^-1 grad m` as its rows, `[k, dim]`. No replacement takes a solve: one forward-mode pass over the replacements
/// and one over what they replace. The difference of two numbers that are nearly the same has few digits: for small
/// changes of an input take [`input_scores`](super::input_scores) or 64 bits.
///
/// # Errors
/// [`SolveError::Setting`] if there are not as many `indices` as replacements; [`SolveError::Curvature`], with
/// [`CurvatureError::Index`] for an example that does not exist, among others.
pub fn replacement_scores(
    train: &Cost,
    solutions: Tensor<2>,
    indices: &[usize],
    replacements: &Cost,
) -> Result<Tensor<2>, SolveError> {
    check_count(indices, replacements)?;
    let replaced = replacements.directional_derivatives_many(solutions.clone())?;
    let original = train.select(indices)?;
    let original = original.directional_derivatives_many(solutions)?;
    Ok((original - replaced) / train.len() as f64)
}

/// The predicted changes of the parameters, `theta(replaced) - theta`, when the example `indices[j]` of `train` is
/// replaced by the example `j` of `replacements`, each by itself:
///
/// ```text
/// - 1/N A^-1 (grad L(z'_j) - grad L(z_j))
/// ```
///
/// `inverse` is made ready for the curvature `A` of `train`, damped. One system a replacement, all solved at once; for
/// what is measured of a query [`replacement_scores`] takes one for all.
///
/// # Errors
/// As [`replacement_scores`], and what fails for all; each result those of the solver.
pub fn replacement_changes(
    train: &Cost,
    inverse: &dyn Inverse,
    indices: &[usize],
    replacements: &Cost,
) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
    check_count(indices, replacements)?;
    let share = 1.0 / train.len() as f64;
    let pulls = indices.iter().enumerate().map(|(place, &index)| {
        let replaced = replacements.select(&[place])?.gradient()?;
        let original = train.select(&[index])?.gradient()?;
        Ok((original - replaced) * share)
    });
    let pulls = pulls.collect::<Result<Vec<_>, CurvatureError>>();
    let pulls = pulls.map_err(SolveError::from);
    inverse.solve_many(pulls.map_err(|error| error.with_batch(Some(1)))?)
}

/// The predicted changes of a measured quantity when an example's targets are others, `[alternatives, N]`: for every
/// training example, each by itself, and each of `alternatives`, which have the targets of all examples (one class for
/// all, say),
///
/// ```text
/// - 1/N <grad L(x_i, t'_i) - grad L(x_i, t_i), s>
/// ```
///
/// in the units of `m`, factor `1/N` included, with `solution` as in [`scores`](super::scores()). The network is run
/// twice, however many alternatives there are: `J_i s` meets the gradient of each one's loss in the outputs.
///
/// # Errors
/// [`CurvatureError::Dimension`], [`CurvatureError::Program`], [`CurvatureError::NotFinite`]; for each alternative
/// those of [`Cost::with_targets`], and [`CurvatureError::Target`] where the loss is not defined for one.
pub fn target_scores(
    train: &Cost,
    solution: Tensor<1>,
    alternatives: &[Vec<Rows>],
) -> Result<Tensor<2>, CurvatureError> {
    let changed = train.directional_derivatives_with(solution.clone(), alternatives)?;
    let original = train.directional_derivatives(solution)?;
    Ok((original.unsqueeze_dim(0) - changed) / train.len() as f64)
}

fn check_count(indices: &[usize], replacements: &Cost) -> Result<(), SolveError> {
    let (found, expected) = (indices.len(), replacements.len());
    match found == expected {
        true => Ok(()),
        false => Err(SolveError::Setting {
            name: "indices",
            problem: format!(
                "name {found} examples for {expected} replacements: name one for each"
            ),
        }),
    }
}
