//! An exact inverse in closed form, for what is asked of all training examples.

use backdraft_curvature::LinearOperator;
use backdraft_influence::{DirectConfig, DualConfig, Inverse, SolveError};

/// An inverse, and which it is, in words.
type ExactInverse<'a> = (Box<dyn Inverse + 'a>, String);

/// The inverse of a damped matrix: through the smaller of two matrices, the dense one of parameters and the kernel
/// matrix of examples times outputs; through the other where that is over its limit or cannot be factored; else none.
pub(crate) fn exact_inverse<'a>(
    matrix: &'a dyn LinearOperator,
    dual: &DualConfig,
    direct: &DirectConfig,
) -> Result<Option<ExactInverse<'a>>, SolveError> {
    let rows = match matrix.example_root() {
        Some(root) => root.count()?,
        None => usize::MAX,
    };
    if rows < matrix.dim() {
        return match through_examples(matrix, dual)? {
            Some(found) => Ok(Some(found)),
            None => through_parameters(matrix, direct),
        };
    }
    match through_parameters(matrix, direct) {
        Ok(Some(found)) => Ok(Some(found)),
        // A factorisation fails where rounding exceeds the damping; eigenvalues can still be had then.
        failed => match through_examples(matrix, dual)? {
            Some(found) => Ok(Some(found)),
            None => failed,
        },
    }
}

fn through_examples<'a>(
    matrix: &'a dyn LinearOperator,
    config: &DualConfig,
) -> Result<Option<ExactInverse<'a>>, SolveError> {
    match config.clone().init()?.factor(matrix) {
        Ok(inverse) => {
            let rows = inverse.eigenvalues().len();
            let method = format!("exact, through a kernel matrix of {rows} x {rows}");
            Ok(Some((Box::new(inverse), method)))
        }
        Err(SolveError::TooManyRows { .. } | SolveError::NoExamples { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn through_parameters<'a>(
    matrix: &'a dyn LinearOperator,
    config: &DirectConfig,
) -> Result<Option<ExactInverse<'a>>, SolveError> {
    match config.clone().init()?.factor(matrix) {
        Ok(inverse) => {
            let dim = matrix.dim();
            let method = format!("exact, through a dense matrix of {dim} x {dim}");
            Ok(Some((Box::new(inverse), method)))
        }
        Err(SolveError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
