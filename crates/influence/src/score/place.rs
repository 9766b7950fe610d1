//! Scores of training examples by place: which tokens of a sequence its score comes from.

use backdraft_curvature::{Cost, CurvatureError};
use burn::Tensor;

/// The scores of the training examples `examples`, `[N, places]`, by the places that their losses are sums over, such
/// as the tokens of sequences.
///
/// `solution` is `s = A^-1 grad m`, as in [`scores`](crate::scores()), and `train` the number of training examples, of
/// which `examples` may be a few. With the parts `l_k` of the loss of example `i`, `L_i = sum over k of l_k`,
///
/// ```text
/// score_ik = 1/train <grad l_k, s>,    sum over k of score_ik = score_i
/// ```
///
/// the first-order prediction of `m(without) - m(with)` if the example stayed, and what place `k` adds to its loss were
/// taken away; in the units of `m`. All places of all examples of a batch by one forward-mode pass.
///
/// # Errors
/// [`CurvatureError::NoPlaces`] for a loss of examples as a whole; [`CurvatureError::Dimension`],
/// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
pub fn place_scores(
    examples: &Cost,
    solution: Tensor<1>,
    train: usize,
) -> Result<Tensor<2>, CurvatureError> {
    Ok(examples.place_derivatives(solution)? / train as f64)
}
