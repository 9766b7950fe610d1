//! A matrix by its products with one vector, again and again: the eigenvalues that stand out in the Krylov space.
//!
//! ```text
//! A^-1 ~ V diag(1 / (values + damping)) V'                                      without the complement
//! A^-1 ~ V diag(1 / (values + damping)) V' + (I - V V') / damping               with it
//! ```
//!
//! (Lanczos, for symmetric matrices what Arnoldi's method is; without the complement Schioppa, Zablotskaia, Vilar &
//! Sokolov 2022, "Scaling up influence functions".) What is left out without the complement are the directions of
//! little curvature, which the inverse has most of; with it they are taken to have none but the damping.

use backdraft_curvature::LinearOperator;
use serde::{Deserialize, Serialize};

use super::closed_form::ClosedForm;
use super::conjugate_gradient::krylov_space;
use super::low_rank::{LowRank, REMEDY, damping};
use super::rows::random_signs;
use super::{Factors, Inverse, SolveError, Solver, check_count, check_tolerance};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const NAME: &str = "lanczos";

/// Settings of [`Lanczos`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanczosConfig {
    /// Eigenvalues that are kept, the largest.
    pub rank: usize,
    /// Products, one after another. `None`: twice the rank. At most the dimension is taken.
    pub steps: Option<usize>,
    /// Whether directions in which nothing is known have the damping for an eigenvalue, and not infinity.
    pub complement: bool,
    /// Seed of the first vector.
    pub seed: u64,
    /// Relative residual that a solution must reach. `None` accepts any: what is left out is the error, and the
    /// residual says how much that is.
    pub tolerance: Option<f64>,
}

impl Default for LanczosConfig {
    fn default() -> Self {
        Self {
            rank: 100,
            steps: None,
            complement: true,
            seed: 0,
            tolerance: None,
        }
    }
}

impl LanczosConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a rank of zero, fewer steps than the rank, or a tolerance that is not positive.
    pub fn init(self) -> Result<Lanczos, SolveError> {
        check_count("rank", self.rank)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        if let Some(steps) = self.steps.filter(|steps| *steps < self.rank) {
            return Err(SolveError::Setting {
                name: "steps",
                problem: format!(
                    "is {steps}, fewer than the rank ({}): no more eigenvalues are found than steps made",
                    self.rank
                ),
            });
        }
        Ok(Lanczos { config: self })
    }
}

/// Solves with the largest eigenvalues of a positive semi-definite matrix with damping, as one Krylov space knows them.
/// An approximation, to be held beside an exact solve: each solution has its true residual.
#[derive(Clone, Debug, Default)]
pub struct Lanczos {
    config: LanczosConfig,
}

impl Lanczos {
    /// Before any product.
    pub(super) fn form<'a>(&self, operator: &'a dyn LinearOperator) -> ClosedForm<'a> {
        ClosedForm {
            operator,
            name: NAME,
            products: 0.0,
            tolerance: self.config.tolerance.unwrap_or(f64::INFINITY),
            remedy: REMEDY,
        }
    }

    pub(super) fn inverse<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<LowRank<'a>, SolveError> {
        let damping = damping(operator)?;
        let config = &self.config;
        let rank = config.rank.min(operator.dim());
        let steps = config.steps.unwrap_or(2 * rank).min(operator.dim());
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed);
        let start = random_signs(operator, 1, &mut rng);
        let space = krylov_space(operator, start.clone(), steps)?;
        let Some((values, vectors)) = space.map(|space| space.ritz(rank)).transpose()?.flatten()
        else {
            return Err(SolveError::not_finite(
                "a product of the Krylov space",
                operator,
                &start.squeeze_dim(0),
            ));
        };
        Ok(LowRank {
            form: ClosedForm {
                products: steps as f64,
                ..self.form(operator)
            },
            damping,
            // Rounding may leave less than the damping.
            values: values.iter().map(|it| (it - damping).max(0.0)).collect(),
            vectors,
            rest: if config.complement {
                1.0 / damping
            } else {
                0.0
            },
        })
    }
}

impl Solver for Lanczos {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.inverse(operator)?))
    }

    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        let restored = LowRank::restored(self.form(operator), &mut factors)?;
        Ok(Box::new(restored))
    }
}
