//! What to do where a solver fails, in the words of the operator at hand.

use backdraft_curvature::{Definiteness, LinearOperator};
use burn::tensor::DType;

/// Of a matrix that turned out not to be positive definite.
pub(super) fn indefinite(operator: &dyn LinearOperator) -> String {
    let (law, dtype) = (operator.law(), operator.dtype());
    let (name, damping) = (law.name, law.damping);
    match law.definiteness {
        Definiteness::Semidefinite => format!(
            "{name} has no negative eigenvalue by construction, so this is rounding in {dtype:?}: raise the damping \
             ({damping:.1e}){}",
            or_double(dtype)
        ),
        Definiteness::Indefinite { instead } => format!(
            "{name} has negative eigenvalues: {instead}, or raise the damping ({damping:.1e}) beyond them"
        ),
        _ => format!(
            "{name} has negative eigenvalues, or none that rounding in {dtype:?} leaves positive: raise the damping ({damping:.1e})"
        ),
    }
}

/// Of a recursion that diverges although its scale is large.
pub(super) fn divergent(operator: &dyn LinearOperator) -> String {
    let law = operator.law();
    let name = law.name;
    match law.definiteness {
        Definiteness::Semidefinite => String::new(),
        Definiteness::Indefinite { instead } => format!(
            ". If a larger scale does not help, {name} has negative eigenvalues: {instead}, or raise the damping"
        ),
        _ => format!(
            ". If a larger scale does not help, {name} has negative eigenvalues: raise the damping"
        ),
    }
}

/// Of a residual that rounding keeps above the tolerance.
pub(super) fn rounding(operator: &dyn LinearOperator) -> String {
    let dtype = operator.dtype();
    format!(
        "rounding in {dtype:?} allows no more of a matrix as ill-conditioned as {} with damping {:.1e}. Raise the damping, loosen the \
         tolerance{}",
        operator.law().name,
        operator.law().damping,
        or_double(dtype)
    )
}

/// The advice to compute in F64, where that is not what was done.
fn or_double(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "",
        _ => ", or compute in F64",
    }
}
