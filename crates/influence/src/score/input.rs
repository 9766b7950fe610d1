//! What small changes of the training inputs do.

use backdraft_curvature::{Cost, CurvatureError, Examples, Rows};
use burn::Tensor;

/// How the measured quantity answers to changes of the training *inputs*, in their shape: for example `i`
///
/// ```text
/// - 1/N grad_x <grad L_i, s>
/// ```
///
/// the first-order change of `m` for each unit added to an input, factor `1/N` included, with `solution` as in
/// [`scores`](super::scores()) (Koh & Liang 2017, Section 2.2). A step against it lowers `m`: the direction in which to
/// perturb an example so that the network does better on the query after it is trained again; [`InputStep`] makes the
/// best step of a given size. Where it is large, the input matters: a saliency map of a *training* example. For
/// changes of any size, and of inputs that are no numbers, see [`replacement_scores`].
///
/// # Errors
/// [`CurvatureError::Dimension`]; [`CurvatureError::Program`] if the inputs are not floats; [`CurvatureError::Inputs`]
/// and [`CurvatureError::Input`] if `X` is not what they are; [`CurvatureError::NotFinite`].
///
/// [`InputStep`]: super::InputStep
/// [`replacement_scores`]: super::replacement_scores
pub fn input_scores<X: Examples>(train: &Cost, solution: Tensor<1>) -> Result<X, CurvatureError> {
    // Linear in the solution.
    train.input_derivatives(solution / -(train.len() as f64))
}

/// The [`input_scores`] of inputs of any type: the tensors, in order, in the shapes of the inputs.
///
/// # Errors
/// As [`input_scores`].
pub fn input_score_rows(train: &Cost, solution: Tensor<1>) -> Result<Vec<Rows>, CurvatureError> {
    train.input_derivative_rows(solution / -(train.len() as f64))
}
