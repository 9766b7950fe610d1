//! The diagonal alone, in place of the matrix.
//!
//! ```text
//! diag(A) ~ mean over probes z of z * (A z),   z of signs drawn at random
//! ```
//!
//! (Hutchinson 1990; Bekas, Kokiopoulou & Saad 2007). The estimate is unbiased, and exact for a diagonal matrix; its
//! error falls with the square root of the number of probes. What the damping guarantees is a lower bound of every
//! element.

use backdraft_curvature::{Definiteness, LinearOperator};
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::vector::System;
use super::{
    Inverse, Solution, SolveError, SolveInfo, Solver, check_count, check_tolerance, remedy,
};

const NAME: &str = "diagonal";

/// Settings of [`Diagonal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagonalConfig {
    /// Products that the diagonal is estimated from.
    pub probes: usize,
    /// Seed of the probes.
    pub seed: u64,
    /// Relative residual that a solution must reach. `None` accepts any: what is left out is the error, and the residual
    /// says how much that is.
    pub tolerance: Option<f64>,
}

impl Default for DiagonalConfig {
    fn default() -> Self {
        Self {
            probes: 100,
            seed: 0,
            tolerance: None,
        }
    }
}

impl DiagonalConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for no probes, or a tolerance that is not positive.
    pub fn init(self) -> Result<Diagonal, SolveError> {
        check_count("probes", self.probes)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        Ok(Diagonal { config: self })
    }
}

/// Solves with the diagonal of the matrix, estimated from products: one division for each right-hand side, and a product
/// for its true residual. An approximation, to be held beside an exact solve.
#[derive(Clone, Debug, Default)]
pub struct Diagonal {
    config: DiagonalConfig,
}

impl Diagonal {
    /// The estimate of the diagonal, `[dim]`.
    fn estimate(&self, operator: &dyn LinearOperator) -> Result<Tensor<1>, SolveError> {
        let (dim, options) = (operator.dim(), (&operator.device(), operator.dtype()));
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let mut total = Tensor::<1>::zeros([dim], options);
        for _ in 0..self.config.probes {
            let signs: Vec<f64> = (0..dim)
                .map(|_| if rng.random() { 1.0 } else { -1.0 })
                .collect();
            let signs = Tensor::<1>::from_data(TensorData::new(signs, [dim]), options);
            total = total + operator.product(signs.clone())? * signs;
        }
        let diagonal = total / self.config.probes as f64;
        let law = operator.law();
        Ok(match law.definiteness {
            Definiteness::Semidefinite => diagonal.clamp_min(law.damping),
            _ => diagonal,
        })
    }
}

impl Solver for Diagonal {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        let diagonal = self.estimate(operator)?;
        let least: f64 = diagonal.clone().min().try_into_scalar()?;
        if !(least.is_finite() && least > 0.0) {
            let index: i64 = diagonal.argmin(0).try_into_scalar()?;
            return Err(SolveError::NotPositiveDefinite {
                index: usize::try_from(index).unwrap_or_default(),
                pivot: least,
                remedy: remedy::indefinite(operator),
            });
        }
        Ok(Box::new(Ready {
            operator,
            diagonal,
            config: &self.config,
        }))
    }
}

struct Ready<'a> {
    operator: &'a dyn LinearOperator,
    diagonal: Tensor<1>,
    config: &'a DiagonalConfig,
}

impl Inverse for Ready<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        let tolerance = self.config.tolerance.unwrap_or(f64::INFINITY);
        let Some(system) = System::new(self.operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, tolerance));
        };
        let s = system.rhs.clone() / self.diagonal.clone();
        let (_, true_residual) = system
            .residual(&s)
            .map_err(|error| error.on(self.operator))?;
        let mut info = SolveInfo::new(NAME, tolerance);
        info.products = self.config.probes as f64 + 1.0;
        info.residuals.push(true_residual);
        info.true_residual = true_residual;
        let vector = system.unscaled(s)?;
        Solution { vector, info }
            .judge(|_| "the diagonal alone is not near enough: use conjugate gradients".into())
    }
}
