//! An exact inverse in closed form, for what is asked of all training examples.

use backdraft_curvature::LinearOperator;
use backdraft_influence::{DirectConfig, DualConfig, Inverse, SolveError};

/// An inverse, and which it is, in words.
type ExactInverse<'a> = (Box<dyn Inverse + 'a>, String);

/// The inverse of a damped matrix: through a kernel matrix of examples times outputs where that fits into memory, else
/// through the dense matrix of a small network, else none.
pub(crate) fn exact_inverse<'a>(
    matrix: &'a dyn LinearOperator,
    dual: &DualConfig,
    direct: &DirectConfig,
) -> Result<Option<ExactInverse<'a>>, SolveError> {
    match dual.clone().init()?.factor(matrix) {
        Ok(inverse) => {
            let rows = inverse.eigenvalues().len();
            let method = format!("exact, through a kernel matrix of {rows} x {rows}");
            return Ok(Some((Box::new(inverse), method)));
        }
        Err(SolveError::TooManyRows { .. } | SolveError::NoExamples { .. }) => {}
        Err(error) => return Err(error),
    }
    match direct.clone().init()?.factor(matrix) {
        Ok(inverse) => {
            let dim = matrix.dim();
            let method = format!("exact, through a dense matrix of {dim} x {dim}");
            Ok(Some((Box::new(inverse), method)))
        }
        Err(SolveError::TooLarge { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
