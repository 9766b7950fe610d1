//! What changes of the training inputs do.

use backdraft_curvature::{Cost, CurvatureError};
use burn::Tensor;

/// How the measured quantity answers to changes of the training *inputs*, in their shape: for example `i`
///
/// ```text
/// - 1/N grad_x <grad L_i, s>
/// ```
///
/// the first-order change of `m` for each unit added to an input, factor `1/N` included, with `solution` as in
/// [`scores`](super::scores()) (Koh & Liang 2017, Section 2.2). A step against it lowers `m`: the direction in which to
/// perturb an example so that the network does better on the query after it is trained again.
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
