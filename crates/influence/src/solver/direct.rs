//! The dense matrix and its Cholesky factor, for models small enough.

use std::cell::OnceCell;

use backdraft_curvature::{CurvatureError, LinearOperator, to_dense};
use backdraft_dense::{Cholesky, DenseMatrix};
use burn::tensor::{DType, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::vector::{System, to_device, to_host};
use super::{
    Inverse, Solution, SolveError, SolveInfo, Solver, check_count, check_tolerance, epsilon, remedy,
};

const NAME: &str = "direct";

/// Settings of [`Direct`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectConfig {
    /// The largest dimension for which a dense matrix is formed.
    pub limit: usize,
    /// Relative residual that a solution must reach, once rounded to the operator's float type. `None`: 1e-8 in f64,
    /// 1e-3 in f32, 1e-1 in half precision.
    pub tolerance: Option<f64>,
}

impl Default for DirectConfig {
    fn default() -> Self {
        Self {
            limit: 4_096,
            tolerance: None,
        }
    }
}

impl DirectConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a limit of zero or a tolerance that is not positive.
    pub fn init(self) -> Result<Direct, SolveError> {
        check_count("limit", self.limit)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        Ok(Direct { config: self })
    }
}

/// The direct solver: dense matrix, Cholesky factorisation in f64 on the host.
#[derive(Clone, Debug, Default)]
pub struct Direct {
    config: DirectConfig,
}

impl Direct {
    /// Forms and factors the operator's matrix, symmetrised if it is symmetric up to rounding.
    ///
    /// # Errors
    /// [`SolveError::TooLarge`], [`SolveError::NotSymmetric`] and [`SolveError::NotPositiveDefinite`]; otherwise as
    /// [`to_dense`].
    pub fn factor<'a>(&self, operator: &'a dyn LinearOperator) -> Result<Factor<'a>, SolveError> {
        let (dim, limit) = (operator.dim(), self.config.limit);
        if dim > limit {
            return Err(SolveError::TooLarge { dim, limit });
        }
        let mut matrix = to_dense(operator).map_err(|error| match error {
            CurvatureError::NotFinite { what, cause } => SolveError::NotFinite { what, cause },
            error => SolveError::from(error).on(operator),
        })?;
        let precision = epsilon(operator.dtype());
        symmetrise(&mut matrix, dim, 1e3 * precision)?;
        let cholesky =
            Cholesky::new(DenseMatrix::new(dim, dim, matrix), precision).map_err(|pivot| {
                SolveError::NotPositiveDefinite {
                    index: pivot.index,
                    pivot: pivot.value,
                    remedy: remedy::indefinite(operator),
                }
            })?;
        let tolerance = self.config.tolerance.unwrap_or(match operator.dtype() {
            DType::F64 => 1e-8,
            DType::F32 => 1e-3,
            _ => 1e-1,
        });
        Ok(Factor {
            operator,
            cholesky,
            inverse: OnceCell::new(),
            tolerance,
        })
    }
}

impl Solver for Direct {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.factor(operator)?))
    }
}

/// A factored operator: every further right-hand side costs one product, for its true residual.
pub struct Factor<'a> {
    operator: &'a dyn LinearOperator,
    cholesky: Cholesky,
    /// The inverse itself, on the device, once many vectors at a time were asked for.
    inverse: OnceCell<Tensor<2>>,
    tolerance: f64,
}

impl Factor<'_> {
    fn inverse(&self) -> &Tensor<2> {
        self.inverse.get_or_init(|| {
            let dim = self.operator.dim();
            let values = TensorData::new(self.cholesky.inverse().into_values(), [dim, dim]);
            let (device, dtype) = (self.operator.device(), self.operator.dtype());
            Tensor::from_data(values, (&device, dtype))
        })
    }
}

impl Inverse for Factor<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        let Some(system) = System::new(self.operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, self.tolerance));
        };
        let mut s = to_host(system.rhs.clone())?;
        self.cholesky.solve(&mut s);
        let s = to_device(self.operator, s);
        let residual = system.residual(&s);
        let (_, true_residual) = residual.map_err(|error| error.on(self.operator))?;
        let mut info = SolveInfo::new(NAME, self.tolerance);
        info.products = self.operator.dim() as f64 + 1.0;
        info.residuals.push(true_residual);
        info.true_residual = true_residual;
        let vector = system.unscaled(s)?;
        Solution { vector, info }.judge(|_| remedy::rounding(self.operator))
    }

    fn describe(&self) -> Option<String> {
        let dim = self.operator.dim();
        Some(format!("direct: a dense matrix of {dim} x {dim}"))
    }

    /// A product with the inverse on the device.
    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        Ok(rhs.matmul(self.inverse().clone()))
    }
}

/// Replaces the matrix by its symmetric part, if the rest is at most `limit` of it.
fn symmetrise(matrix: &mut [f64], dim: usize, limit: f64) -> Result<(), SolveError> {
    let (mut apart, mut total) = (0.0, 0.0);
    for row in 0..dim {
        total += matrix[row * dim + row].powi(2);
        for column in 0..row {
            let (a, b) = (matrix[row * dim + column], matrix[column * dim + row]);
            apart += 2.0 * (a - b).powi(2);
            total += a * a + b * b;
            matrix[row * dim + column] = 0.5 * (a + b);
            matrix[column * dim + row] = 0.5 * (a + b);
        }
    }
    let asymmetry = (apart / total).sqrt();
    // NaN for the zero matrix, which is symmetric.
    if asymmetry > limit {
        return Err(SolveError::NotSymmetric { asymmetry, limit });
    }
    Ok(())
}
