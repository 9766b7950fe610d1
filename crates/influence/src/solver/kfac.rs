//! K-FAC and EK-FAC: a Kronecker product for every layer in place of the Gauss-Newton matrix.
//!
//! What is approximated, and how, says [`backdraft_curvature::KroneckerFactored`]. The damping is exact: it is added to
//! every eigenvalue, and not to the factors.

use backdraft_curvature::{
    Cost, Coverage, CurvatureError, KroneckerConfig, KroneckerFactored, LinearOperator,
};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::closed_form::{ClosedForm, solve_in_closed_form};
use super::factors::misfit;
use super::{Factors, Inverse, Solution, SolveError, Solver, check_count, check_tolerance};

/// Settings of [`Kfac`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KfacConfig {
    /// EK-FAC and not K-FAC ([`KroneckerConfig::corrected`]).
    pub corrected: bool,
    /// Most columns of an output Hessian that are pulled back ([`KroneckerConfig::columns`]).
    pub columns: usize,
    /// Seed of their mixtures, where there are more.
    pub seed: u64,
    /// Most numbers in an exact block ([`KroneckerConfig::exact`]).
    pub exact: usize,
    /// Relative residual that a solution must reach. `None` accepts any: what is left out is the error, and the
    /// residual says how much that is.
    pub tolerance: Option<f64>,
}

impl Default for KfacConfig {
    fn default() -> Self {
        let KroneckerConfig {
            corrected,
            columns,
            seed,
            exact,
        } = KroneckerConfig::default();
        Self {
            corrected,
            columns,
            seed,
            exact,
            tolerance: None,
        }
    }
}

impl KfacConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for no columns, or a tolerance that is not positive.
    pub fn init(self) -> Result<Kfac, SolveError> {
        check_count("columns", self.columns)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        Ok(Kfac { config: self })
    }

    fn kronecker(&self) -> KroneckerConfig {
        KroneckerConfig {
            corrected: self.corrected,
            columns: self.columns,
            seed: self.seed,
            exact: self.exact,
        }
    }
}

/// Solves with K-FAC or EK-FAC of a damped Gauss-Newton matrix: one or two passes over the examples once, and a product
/// for the true residual of each right-hand side. An approximation by itself, and a preconditioner of
/// [`ConjugateGradient`](super::ConjugateGradient) that seldom pays.
#[derive(Clone, Debug, Default)]
pub struct Kfac {
    config: KfacConfig,
}

impl Kfac {
    /// Of `operator`.
    ///
    /// # Errors
    /// [`SolveError::NoLayers`] for another matrix than the Gauss-Newton matrix of a cost, or one without damping; what
    /// [`Cost::kronecker_factored`](backdraft_curvature::Cost::kronecker_factored) reports.
    pub fn factor<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<KfacInverse<'a>, SolveError> {
        let cost = cost_of(operator)?;
        let matrix = cost.kronecker_factored(&self.config.kronecker());
        let matrix = matrix.map_err(|error| SolveError::from(error).on(operator))?;
        Ok(self.inverse(operator, matrix))
    }

    pub(super) fn restored<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<KfacInverse<'a>, SolveError> {
        let cost = cost_of(operator)?;
        let take = |name: &str| factors.take(name).ok();
        let matrix = cost.kronecker_restored(&self.config.kronecker(), take);
        let matrix = matrix.map_err(|error| match error {
            CurvatureError::Setting {
                name: "factors",
                problem,
            } => misfit("block", &problem),
            error => error.into(),
        })?;
        Ok(self.inverse(operator, matrix))
    }

    fn inverse<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        matrix: KroneckerFactored,
    ) -> KfacInverse<'a> {
        let passes = if self.config.corrected { 2 } else { 1 };
        let products = (passes * matrix.coverage().columns) as f64;
        let name = if self.config.corrected {
            "ekfac"
        } else {
            "kfac"
        };
        KfacInverse {
            form: ClosedForm {
                operator,
                name,
                products,
                tolerance: self.config.tolerance.unwrap_or(f64::INFINITY),
                remedy: "a Kronecker product a layer is not near enough: use conjugate gradients",
            },
            damping: operator.law().damping,
            matrix,
        }
    }
}

/// The cost of whose Gauss-Newton matrix with damping `operator` is.
fn cost_of(operator: &dyn LinearOperator) -> Result<&Cost, SolveError> {
    let law = operator.law();
    let cost = operator.gauss_newton_of().filter(|_| law.damping > 0.0);
    cost.ok_or(SolveError::NoLayers { name: law.name })
}

impl Solver for Kfac {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.factor(operator)?))
    }

    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.restored(operator, factors)?))
    }
}

/// K-FAC or EK-FAC of an operator. A reverse pass is counted as a product.
pub struct KfacInverse<'a> {
    form: ClosedForm<'a>,
    damping: f64,
    matrix: KroneckerFactored,
}

impl KfacInverse<'_> {
    /// What is known of which parameters.
    pub fn coverage(&self) -> &Coverage {
        self.matrix.coverage()
    }
}

impl Inverse for KfacInverse<'_> {
    solve_in_closed_form!();

    fn factors(&self) -> Option<Factors> {
        Some(self.matrix.tensors().into_iter().collect())
    }

    fn describe(&self) -> Option<String> {
        Some(format!("{} covers {}", self.form.name, self.coverage()))
    }

    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        Ok(self.matrix.solve(&rhs, self.damping))
    }
}
