//! Conjugate gradients.

mod block;
mod choice;
mod inverse;
mod path;
mod single;
mod systems;

use backdraft_curvature::LinearOperator;
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

pub(super) use block::krylov_space;
pub use choice::{Choice, Prediction};
pub use path::Solutions;
#[cfg(test)]
pub(super) use single::Iterate;

use self::{inverse::ConjugateGradientInverse, single::Single};
use super::{
    Factors, Inverse, Preconditioner, Solution, SolveError, SolveInfo, Solver, check_count,
    check_tolerance, epsilon,
    vector::{System, fitting},
};

const NAME: &str = "cg";

/// Settings of [`ConjugateGradient`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConjugateGradientConfig {
    /// Relative residual to reach. `None`: 1e-10 in f64, 1e-5 in f32, 1e-2 in half precision.
    pub tolerance: Option<f64>,
    /// Most iterations. `None`: ten times the dimension, or 1,000 if that is less.
    pub max_iterations: Option<usize>,
    /// Convergence is looked at every so many iterations; between looks nothing waits for the device. Up to one less
    /// than this many iterations are run in vain at the end, and more if the residual has risen again by then.
    pub check_every: usize,
    /// What stands in for the inverse of the matrix. With one, a single right-hand side is solved as a block of one.
    pub preconditioner: Preconditioner,
    /// Most right-hand sides that are solved as one block. `None`: as many as there is memory for. With 1 each is
    /// solved by itself, to the same bits in whatever company.
    pub block_size: Option<usize>,
    /// Bytes for the vectors of a block: residuals, directions, and the bases before, as far as they fit. Every
    /// right-hand side and its solution, and the memory of a product, come on top.
    pub memory: usize,
}

impl Default for ConjugateGradientConfig {
    fn default() -> Self {
        Self {
            tolerance: None,
            max_iterations: None,
            check_every: 5,
            preconditioner: Preconditioner::None,
            block_size: None,
            memory: 4 << 30,
        }
    }
}

impl ConjugateGradientConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a tolerance that is not between 0 and 1, or a count of zero.
    pub fn init(self) -> Result<ConjugateGradient, SolveError> {
        if let Some(tolerance) = self.tolerance {
            check_tolerance(tolerance)?;
            if tolerance >= 1.0 {
                return Err(SolveError::Setting {
                    name: "tolerance",
                    problem: format!("is {tolerance:?}, which a solution of zeros would meet"),
                });
            }
        }
        check_count("max_iterations", self.max_iterations.unwrap_or(1))?;
        check_count("check_every", self.check_every)?;
        check_count("block_size", self.block_size.unwrap_or(1))?;
        self.preconditioner.check()?;
        if self.preconditioner == Preconditioner::Recycled && self.block_size == Some(1) {
            return Err(SolveError::Setting {
                name: "preconditioner",
                problem: "learns from those that were solved before, and with a block size of 1 each is solved as if alone: \
                          leave one of the two out"
                    .into(),
            });
        }
        Ok(ConjugateGradient { config: self })
    }
}

/// Conjugate gradients for any positive definite operator: plain ones (Hestenes & Stiefel 1952) for one right-hand
/// side, block conjugate gradients for several ([`Inverse::solve_many`]), which need a fraction of the products.
///
/// When the recursive residual has reached the tolerance, the true residual `b - A s` is computed. If rounding has
/// driven the two apart, the iteration starts again from the current solution, for as long as every start at least
/// halves the true residual.
#[derive(Clone, Debug, Default)]
pub struct ConjugateGradient {
    config: ConjugateGradientConfig,
}

impl ConjugateGradient {
    /// Solves `A s = rhs` from `s = 0`.
    ///
    /// # Errors
    /// [`SolveError::NotConverged`] and [`SolveError::NegativeCurvature`], both with the iterate of the least residual;
    /// otherwise as
    /// [`Inverse::solve`].
    pub fn solve(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
    ) -> Result<Solution, SolveError> {
        self.run(operator, rhs, None)
            .map_err(|error| error.on(operator))
    }

    /// Solves `A s = rhs` from `s = start`, of shape `[dim]`.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub fn solve_from(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
        start: Tensor<1>,
    ) -> Result<Solution, SolveError> {
        self.run(operator, rhs, Some(start))
            .map_err(|error| error.on(operator))
    }

    fn run(
        &self,
        operator: &dyn LinearOperator,
        rhs: Tensor<1>,
        start: Option<Tensor<1>>,
    ) -> Result<Solution, SolveError> {
        let tolerance = self.tolerance(operator.dtype())?;
        let start = start
            .map(|start| fitting(operator, "the start", &start))
            .transpose()?;
        let Some(system) = System::new(operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, tolerance));
        };
        let mut info = SolveInfo::new(NAME, tolerance);
        let mut s = system.rhs.zeros_like();
        let mut residual = system.rhs.clone();
        info.true_residual = 1.0;
        if let Some(start) = start {
            s = start / system.norm;
            (residual, info.true_residual) = system.residual(&s)?;
            info.products += 1.0;
        }
        info.residuals.push(info.true_residual);
        self.single(&system).solve(s, residual, info)
    }

    fn single<'a>(&self, system: &'a System<'a>) -> Single<'a> {
        Single {
            max_iterations: self.max_iterations(system.operator),
            check_every: self.config.check_every,
            system,
        }
    }

    fn max_iterations(&self, operator: &dyn LinearOperator) -> usize {
        let default = || operator.dim().saturating_mul(10).min(1_000);
        self.config.max_iterations.unwrap_or_else(default)
    }

    fn tolerance(&self, dtype: DType) -> Result<f64, SolveError> {
        let tolerance = self.config.tolerance.unwrap_or(match dtype {
            DType::F64 => 1e-10,
            DType::F32 => 1e-5,
            _ => 1e-2,
        });
        if tolerance < epsilon(dtype) {
            return Err(SolveError::Setting {
                name: "tolerance",
                problem: format!(
                    "is {tolerance:e}, below the precision of {dtype:?} ({:.1e})",
                    epsilon(dtype)
                ),
            });
        }
        Ok(tolerance)
    }
}

impl Solver for ConjugateGradient {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(ConjugateGradientInverse::new(self, operator)?))
    }

    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        let restored = ConjugateGradientInverse::restored(self, operator, factors)?;
        Ok(Box::new(restored))
    }
}
