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
use burn::tensor::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::closed_form::{ClosedForm, solve_in_closed_form};
use super::rows::random_signs;
use super::{Factors, Inverse, Solution, SolveError, Solver, check_count, check_tolerance, remedy};

const NAME: &str = "diagonal";
/// What its factor is called.
const DIAGONAL: &str = "diagonal";

/// Probes that are multiplied with at once.
const AT_ONCE: usize = 32;

/// Settings of [`Diagonal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiagonalConfig {
    /// Products that the diagonal is estimated from.
    pub probes: usize,
    /// Seed of the probes.
    pub seed: u64,
    /// Relative residual that a solution must reach. `None` accepts any: what is left out is the error, and the
    /// residual says how much that is.
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

/// Solves with the diagonal of the matrix, estimated from products: one division for each right-hand side, and a
/// product for its true residual. An approximation, to be held beside an exact solve.
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
        for start in (0..self.config.probes).step_by(AT_ONCE) {
            let count = AT_ONCE.min(self.config.probes - start);
            let signs = random_signs(operator, count, &mut rng);
            let along = operator.products(signs.clone())? * signs;
            total = total + along.sum_dim(0).squeeze_dim(0);
        }
        let diagonal = total / self.config.probes as f64;
        let law = operator.law();
        Ok(match law.definiteness {
            Definiteness::Semidefinite => diagonal.clamp_min(law.damping),
            _ => diagonal,
        })
    }

    /// The estimate, which is positive.
    pub(super) fn diagonal(&self, operator: &dyn LinearOperator) -> Result<Tensor<1>, SolveError> {
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
        Ok(diagonal)
    }

    pub(super) fn inverse<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Reciprocal<'a>, SolveError> {
        Ok(self.reciprocal(operator, self.diagonal(operator)?))
    }

    fn reciprocal<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        diagonal: Tensor<1>,
    ) -> Reciprocal<'a> {
        Reciprocal {
            form: ClosedForm {
                operator,
                name: NAME,
                products: self.config.probes as f64,
                tolerance: self.config.tolerance.unwrap_or(f64::INFINITY),
                remedy: "the diagonal alone is not near enough: use conjugate gradients",
            },
            diagonal,
        }
    }

    pub(super) fn restored<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<Reciprocal<'a>, SolveError> {
        let diagonal = factors.tensor(DIAGONAL, [Some(operator.dim())], operator)?;
        Ok(self.reciprocal(operator, diagonal))
    }
}

impl Solver for Diagonal {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.inverse(operator)?))
    }

    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.restored(operator, factors)?))
    }
}

/// The inverse of a diagonal.
pub(super) struct Reciprocal<'a> {
    form: ClosedForm<'a>,
    diagonal: Tensor<1>,
}

impl Inverse for Reciprocal<'_> {
    solve_in_closed_form!();

    fn factors(&self) -> Option<Factors> {
        Some(Factors::from_iter([(
            DIAGONAL.to_owned(),
            self.diagonal.to_data(),
        )]))
    }

    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        Ok(rhs / self.diagonal.clone().unsqueeze_dim(0))
    }
}
