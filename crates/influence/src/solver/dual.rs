//! The exact inverse through the examples: for networks of any size on few examples, or few outputs.
//!
//! ```text
//! G = R' R,   (R' R + damping I)^-1 b = (b - R' (R R' + damping I)^-1 R b) / damping
//! ```
//!
//! (Woodbury), with the rows `R` of an [`ExampleRoot`](backdraft_curvature::ExampleRoot): the kernel matrix `R R'` has
//! `N outputs` rows for the Gauss-Newton matrix, and `N` for the empirical Fisher matrix (the outer product of
//! gradients), whatever the number of parameters. From its eigenvectors comes the solution for every right-hand side
//! and every damping, exact to rounding.

use backdraft_curvature::LinearOperator;
use backdraft_dense::{DenseMatrix, Eigen};
use burn::tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use super::closed_form::{ClosedForm, solve_in_closed_form};
use super::factors::misfit;
use super::rows::{inner, mix};
use super::{Factors, Inverse, Solution, SolveError, Solver, check_count, check_tolerance};

/// Settings of [`DualSolver`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DualConfig {
    /// Most bytes for the rows, the kernel matrix and its eigenvectors.
    pub memory: usize,
    /// Relative residual that a solution must reach. `None`: 1e-8 in f64, 1e-3 in f32, 1e-1 in half precision.
    pub tolerance: Option<f64>,
}

impl Default for DualConfig {
    fn default() -> Self {
        Self {
            memory: 4 << 30,
            tolerance: None,
        }
    }
}

impl DualConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for no memory, or a tolerance that is not positive.
    pub fn init(self) -> Result<DualSolver, SolveError> {
        check_count("memory", self.memory)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        Ok(DualSolver { config: self })
    }
}

/// Solves with the kernel matrix of a damped Gauss-Newton or empirical Fisher matrix, exactly: one decomposition, and a
/// product for the true residual of each right-hand side.
#[derive(Clone, Debug, Default)]
pub struct DualSolver {
    config: DualConfig,
}

impl DualSolver {
    /// Of `operator`.
    ///
    /// # Errors
    /// [`SolveError::NoExamples`] for a matrix without such rows, or without damping; [`SolveError::TooManyRows`]; what
    /// [`ExampleRoot::rows`](backdraft_curvature::ExampleRoot::rows) reports.
    pub fn factor<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<DualInverse<'a>, SolveError> {
        let law = operator.law();
        let root = operator.example_root().filter(|_| law.damping > 0.0);
        let Some(root) = root else {
            return Err(SolveError::NoExamples { name: law.name });
        };
        let (each, rows) = (root.rows_per_example()?, root.count()?);
        let bytes = rows * operator.dim() * operator.dtype().size() + 3 * rows * rows * 8;
        if bytes > self.config.memory {
            return Err(SolveError::TooManyRows {
                rows,
                bytes,
                memory: self.config.memory,
            });
        }
        let root = root.rows();
        let root = root.map_err(|error| SolveError::from(error).on(operator))?;
        let Some(eigen) = Eigen::new(&inner(&root, &root)?.symmetric()) else {
            let what = "the kernel matrix";
            let zero = Tensor::zeros([operator.dim()], (&operator.device(), operator.dtype()));
            return Err(SolveError::not_finite(what, operator, &zero));
        };
        Ok(self.inverse(operator, each as f64, (root, eigen)))
    }

    /// Of rows that are as many products.
    fn inverse<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        products: f64,
        (root, eigen): (Tensor<2>, Eigen),
    ) -> DualInverse<'a> {
        DualInverse {
            form: ClosedForm {
                operator,
                name: "dual",
                products,
                tolerance: self.config.tolerance.unwrap_or(match operator.dtype() {
                    DType::F64 => 1e-8,
                    DType::F32 => 1e-3,
                    _ => 1e-1,
                }),
                remedy: "rounding does not let the residual fall further: compute in f64, or use conjugate gradients",
            },
            damping: operator.law().damping,
            root,
            eigen,
        }
    }
}

impl Solver for DualSolver {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.factor(operator)?))
    }

    fn restore<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        let values = factors.numbers(VALUES)?;
        let rows = values.len();
        let vectors = factors.matrix(VECTORS)?;
        if (vectors.rows(), vectors.columns()) != (rows, rows) {
            return Err(misfit(VECTORS, "are not as many as the values"));
        }
        let root = factors.tensor(ROOT, [Some(rows), Some(operator.dim())], operator)?;
        let products = factors.number(PRODUCTS)?;
        let eigen = Eigen { values, vectors };
        Ok(Box::new(self.inverse(operator, products, (root, eigen))))
    }
}

/// What the factors are called.
const VALUES: &str = "values";
const VECTORS: &str = "vectors";
const ROOT: &str = "root";
const PRODUCTS: &str = "products";

/// The kernel matrix of an operator. A reverse pass is counted as a product.
pub struct DualInverse<'a> {
    form: ClosedForm<'a>,
    damping: f64,
    /// `[rows, dim]`.
    root: Tensor<2>,
    /// Of the kernel matrix.
    eigen: Eigen,
}

impl DualInverse<'_> {
    /// The matrix's eigenvalues without the damping, ascending, all that are not zero among them.
    pub fn eigenvalues(&self) -> &[f64] {
        &self.eigen.values
    }

    /// The solutions for the rows of `rhs`, `[k, dim]`, with another damping, which must be positive.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a damping that is not positive; [`SolveError::Read`].
    pub fn solve_at(&self, rhs: &Tensor<2>, damping: f64) -> Result<Tensor<2>, SolveError> {
        if damping.is_nan() || damping <= 0.0 {
            return Err(SolveError::Setting {
                name: "damping",
                problem: format!("is {damping:e}, must be positive"),
            });
        }
        let along = inner(rhs, &self.root)?.times(&self.eigen.vectors.transpose());
        let weights = DenseMatrix::from_fn(along.rows(), along.columns(), |i, j| {
            along.get(i, j) / (self.eigen.values[j].max(0.0) + damping)
        });
        let back = mix(&weights.times(&self.eigen.vectors), &self.root);
        Ok((rhs.clone() - back) / damping)
    }
}

impl Inverse for DualInverse<'_> {
    solve_in_closed_form!();

    fn factors(&self) -> Option<Factors> {
        let mut factors = Factors::default();
        factors.put_numbers(VALUES, &self.eigen.values);
        factors.put_matrix(VECTORS, &self.eigen.vectors);
        factors.put(ROOT, self.root.to_data());
        factors.put_numbers(PRODUCTS, &[self.form.products]);
        Some(factors)
    }

    fn describe(&self) -> Option<String> {
        let rows = self.eigen.values.len();
        Some(format!("dual: a kernel matrix of {rows} x {rows}"))
    }

    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        self.solve_at(&rhs, self.damping)
    }
}
