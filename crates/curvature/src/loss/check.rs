//! Values that a loss is not defined for.

use burn::{
    Tensor,
    tensor::{Bool, DType, Int},
};

use crate::{CurvatureError, RowKind};

/// Refuses `values`, one row an example, if `wrong` is true anywhere: the error names the first such example and its
/// value, and says what is `expected`. For [`Loss::check`](crate::Loss::check); `what` is `target` or `weight`.
///
/// # Errors
/// [`CurvatureError::Target`]; [`CurvatureError::Device`].
pub fn reject<const D: usize, K: RowKind>(
    what: &'static str,
    values: &Tensor<D, K>,
    wrong: Tensor<D, Bool>,
    expected: impl FnOnce() -> String,
) -> Result<(), CurvatureError> {
    if !wrong.clone().any().try_into_scalar::<bool>()? {
        return Ok(());
    }
    let wrong = wrong.try_into_vec_as::<bool>()?;
    let position = wrong.iter().position(|&wrong| wrong).unwrap_or_default();
    let value = values.clone().try_into_vec_as::<f64>()?[position];
    let width = values.shape().num_elements() / values.shape()[0];
    Err(CurvatureError::Target {
        what,
        example: position / width,
        element: (width > 1).then_some(position % width),
        value,
        expected: expected(),
    })
}

/// Refuses targets that are not finite.
pub(super) fn reject_not_finite(targets: &Tensor<2>) -> Result<(), CurvatureError> {
    let wrong = targets.clone().is_finite().bool_not();
    reject("target", targets, wrong, || "it must be finite".into())
}

/// Whether each target is none of `count` classes.
pub(crate) fn no_class<const D: usize>(targets: &Tensor<D, Int>, count: usize) -> Tensor<D, Bool> {
    // A type of a byte or two may not hold the number of classes; one of eight does not fit into all others.
    let targets = match targets.dtype() {
        DType::I64 | DType::U64 | DType::I32 | DType::U32 => targets.clone(),
        _ => targets.clone().cast(targets.device().settings().int_dtype),
    };
    let negative = targets.clone().lower_elem(0);
    negative.bool_or(targets.greater_equal_elem(count as i64))
}

/// What a class must be.
pub(super) fn a_class(count: usize) -> String {
    format!("there are {count} classes, counted from 0")
}
