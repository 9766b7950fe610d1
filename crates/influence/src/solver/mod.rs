//! Solvers of `A s = b` for a symmetric positive definite operator that is known only by its products.

mod closed_form;
mod conjugate_gradient;
mod diagonal;
mod direct;
mod dual;
mod error;
mod factors;
mod inverse;
mod kfac;
mod lanczos;
mod lissa;
mod low_rank;
#[cfg(test)]
mod no_host_sync;
mod nystroem;
mod preconditioner;
mod recursion;
mod remedy;
mod rows;
mod vector;

use backdraft_curvature::LinearOperator;
use burn::tensor::{DType, Tensor};
use serde::Serialize;

pub use conjugate_gradient::{
    Choice, ConjugateGradient, ConjugateGradientConfig, Prediction, Solutions,
};
pub use diagonal::{Diagonal, DiagonalConfig};
pub use direct::{Direct, DirectConfig, Factor};
pub use dual::{DualConfig, DualInverse, DualSolver};
pub use error::SolveError;
pub use factors::Factors;
pub use inverse::Inverse;
pub use kfac::{Kfac, KfacConfig, KfacInverse};
pub use lanczos::{Lanczos, LanczosConfig};
pub use lissa::{Lissa, LissaConfig, Scale};
pub use nystroem::{Growth, Nystroem, NystroemConfig};
pub use preconditioner::Preconditioner;
pub(crate) use rows::{inner, mix, norms, random_signs};

/// A method for `A s = b`.
pub trait Solver: Send + Sync {
    /// The inverse of `operator`: does once what does not depend on the right-hand side, such as a factorisation, or
    /// the estimate of a scale.
    ///
    /// # Errors
    /// Settings that do not fit the operator, and whatever a product with it reports.
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError>;

    /// The inverse of `operator` from what one of the same operator and settings was made of
    /// ([`Inverse::factors`]), to the same bits. Nothing tells factors of other parameters or examples apart from these:
    /// whoever keeps them knows by what they are kept. A solver whose inverses have none prepares one.
    ///
    /// # Errors
    /// [`SolveError::Factors`] for factors of another shape; otherwise as [`prepare`](Self::prepare).
    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        let _ = factors;
        self.prepare(operator)
    }

    /// Solves for one right-hand side of shape `[dim]`. For several, [`prepare`](Self::prepare) once.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare) and [`Inverse::solve`].
    fn solve(&self, operator: &dyn LinearOperator, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        self.prepare(operator)?.solve(rhs)
    }
}

/// An approximate solution of `A s = b`, and the evidence for it.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The vector `s`, of shape `[dim]`, in the operator's float type and on its device.
    pub vector: Tensor<1>,
    /// How it was found and how good it is.
    pub info: SolveInfo,
}

/// What a solver did and how far it got. All residuals are relative: `||b - A s|| / ||b||`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SolveInfo {
    /// The solver's name.
    pub solver: &'static str,
    /// Iterations of conjugate gradients, or recursion steps of all repeats of LiSSA; 0 for a direct solve.
    pub iterations: usize,
    /// Cost in products with the full data: a product with a batch counts as its share of the examples. What was
    /// prepared once is counted in every solution that stands on it.
    pub products: f64,
    /// The way down. Conjugate gradients: the recursive residual at the start and after every iteration, up to the
    /// first that reached the tolerance. LiSSA: the true residual of the running average after every repeat. Direct:
    /// the true residual.
    pub residuals: Vec<f64>,
    /// The residual of the returned vector, computed at the end by a product with the full data.
    pub true_residual: f64,
    /// The residual asked for.
    pub tolerance: f64,
    /// Whether `true_residual <= tolerance`.
    pub converged: bool,
    /// LiSSA's scale, if this was LiSSA.
    pub scale: Option<f64>,
}

impl SolveInfo {
    fn new(solver: &'static str, tolerance: f64) -> Self {
        Self {
            solver,
            iterations: 0,
            products: 0.0,
            residuals: Vec::new(),
            true_residual: 0.0,
            tolerance,
            converged: true,
            scale: None,
        }
    }
}

impl Solution {
    /// The solution zero of a right-hand side of zeros.
    fn zero(rhs: &Tensor<1>, solver: &'static str, tolerance: f64) -> Self {
        Self {
            vector: rhs.zeros_like(),
            info: SolveInfo::new(solver, tolerance),
        }
    }

    /// Settles whether the solution is good enough; `remedy` says what to do if not.
    fn judge(mut self, remedy: impl FnOnce(&SolveInfo) -> String) -> Result<Self, SolveError> {
        self.info.converged = self.info.true_residual <= self.info.tolerance;
        if self.info.converged {
            return Ok(self);
        }
        let remedy = remedy(&self.info);
        Err(SolveError::NotConverged {
            solution: Box::new(self),
            remedy,
        })
    }
}

/// The machine epsilon of a float type; infinite for a type that cannot hold fractions.
fn epsilon(dtype: DType) -> f64 {
    dtype.finfo().map_or(f64::INFINITY, |info| info.epsilon)
}

/// Checks a relative tolerance: positive, or infinite.
fn check_tolerance(tolerance: f64) -> Result<(), SolveError> {
    if tolerance > 0.0 {
        return Ok(());
    }
    Err(SolveError::Setting {
        name: "tolerance",
        problem: format!("is {tolerance:?}, must be positive"),
    })
}

/// Checks a count that must not be zero.
fn check_count(name: &'static str, count: usize) -> Result<(), SolveError> {
    if count > 0 {
        return Ok(());
    }
    Err(SolveError::Setting {
        name,
        problem: "is 0, must be at least 1".into(),
    })
}
