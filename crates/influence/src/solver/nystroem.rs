//! A matrix by its products with a few random vectors: what is large of it, and the damping for the rest.
//!
//! ```text
//! G ~ (G W) (W' G W)^-1 (G W)' = U diag(values) U'        W: rank random vectors, orthonormal
//! A^-1 = (G + damping I)^-1 ~ U diag(1 / (values + damping)) U' + (I - U U') / (least value + damping)
//! ```
//!
//! (Nystroem; Frangella, Tropp & Udell 2021, Algorithm 2.1 and equation 5.3, here in the scale of `A^-1`.) Where few
//! eigenvalues lie above the damping, as in trained networks, a sketch of twice as many leaves conjugate gradients
//! little to do.

use backdraft_curvature::LinearOperator;
use backdraft_dense::{Cholesky, DenseMatrix, Eigen};
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng, distr::Uniform};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::closed_form::ClosedForm;
use super::low_rank::{LowRank, REMEDY, damping};
use super::rows::{inner, mix, norms};
use super::{Factors, Inverse, SolveError, Solver, check_count, check_tolerance, epsilon};

const NAME: &str = "nystroem";

/// Settings of [`Nystroem`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NystroemConfig {
    /// Random vectors that are multiplied with, and most eigenvalues that are known. At most the dimension is taken.
    pub rank: usize,
    /// Whether the rank is doubled while that pays.
    #[serde(default)]
    pub growth: Option<Growth>,
    /// Seed of the vectors.
    pub seed: u64,
    /// Relative residual that a solution must reach. `None` accepts any: what is left out is the error, and the
    /// residual says how much that is.
    pub tolerance: Option<f64>,
}

impl Default for NystroemConfig {
    fn default() -> Self {
        Self {
            rank: 100,
            growth: None,
            seed: 0,
            tolerance: None,
        }
    }
}

/// How far the rank of a sketch is doubled: while the products that it takes are fewer than those that conjugate
/// gradients preconditioned with it are predicted to save.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// The largest rank.
    pub most: usize,
    /// Right-hand sides, solved one by one, that it is to pay for.
    pub queries: usize,
}

impl Default for Growth {
    fn default() -> Self {
        Self {
            most: 1_600,
            queries: 10,
        }
    }
}

impl Growth {
    /// Whether a sketch of `rank` is to be doubled, of which these are the eigenvalues. The next is supposed to lie
    /// below the last as far as that lies below the one halfway.
    fn pays(&self, rank: usize, values: &[f64], damping: f64) -> bool {
        let (Some(last), Some(halfway)) = (values.get(rank - 1), values.get(rank / 2)) else {
            // There are no more.
            return false;
        };
        let saved = iterations(*last, damping) - iterations(last * last / halfway, damping);
        2 * rank <= self.most && self.queries as f64 * saved > rank as f64
    }
}

/// Iterations of conjugate gradients to a residual of 1e-5 where no eigenvalue that is left is above `value`:
/// `sqrt(condition number) / 2 * ln(2 / 1e-5)`.
fn iterations(value: f64, damping: f64) -> f64 {
    0.5 * ((value + damping) / damping).sqrt() * 2e5_f64.ln()
}

impl NystroemConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a rank of zero, or a tolerance that is not positive.
    pub fn init(self) -> Result<Nystroem, SolveError> {
        check_count("rank", self.rank)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
        if let Some(growth) = &self.growth {
            check_count("queries", growth.queries)?;
        }
        Ok(Nystroem { config: self })
    }
}

/// Solves with a sketch of low rank of a positive semi-definite matrix with damping: `rank` products once, and none for
/// a right-hand side but that for its true residual. An approximation by itself, and a preconditioner of
/// [`ConjugateGradient`](super::ConjugateGradient).
#[derive(Clone, Debug, Default)]
pub struct Nystroem {
    config: NystroemConfig,
}

impl Nystroem {
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
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        let mut rank = self.config.rank.min(operator.dim());
        let mut start = random_rows(operator, rank, None, &mut rng)?;
        let product = |rows: &Tensor<2>| -> Result<Tensor<2>, SolveError> {
            Ok(operator.products(rows.clone())? - rows.clone() * damping)
        };
        let mut products = product(&start)?;
        loop {
            let found = SketchEigen::new(&start, products.clone(), epsilon(operator.dtype()))?;
            let Some(SketchEigen { values, vectors }) = found else {
                return Err(SolveError::not_finite(
                    "a product of the sketch",
                    operator,
                    &start.slice(0..1).squeeze_dim(0),
                ));
            };
            let pays = |growth: &Growth| growth.pays(rank, &values, damping);
            if 2 * rank <= operator.dim() && self.config.growth.as_ref().is_some_and(pays) {
                let more = random_rows(operator, rank, Some(&start), &mut rng)?;
                products = Tensor::cat(vec![products, product(&more)?], 0);
                start = Tensor::cat(vec![start, more], 0);
                rank *= 2;
                continue;
            }
            let least = values.last().copied().unwrap_or_default();
            return Ok(LowRank {
                form: ClosedForm {
                    products: rank as f64,
                    ..self.form(operator)
                },
                damping,
                values,
                vectors,
                rest: 1.0 / (least + damping),
            });
        }
    }
}

impl Solver for Nystroem {
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

/// Orthonormal rows, drawn at random, also orthogonal to the rows `beside`.
fn random_rows(
    operator: &dyn LinearOperator,
    rank: usize,
    beside: Option<&Tensor<2>>,
    rng: &mut ChaCha8Rng,
) -> Result<Tensor<2>, SolveError> {
    let dim = operator.dim();
    // Any distribution that knows no direction by name will do, once the rows are orthonormal.
    let range = Uniform::new_inclusive(-1.0, 1.0).expect("a range");
    let values: Vec<f64> = (0..rank * dim).map(|_| rng.sample(range)).collect();
    let options = (&operator.device(), operator.dtype());
    let mut rows = Tensor::from_data(TensorData::new(values, [rank, dim]), options);
    for _ in 0..2 {
        if let Some(beside) = beside {
            let along = rows.clone().matmul(beside.clone().transpose());
            rows = rows - along.matmul(beside.clone());
        }
        let gram = inner(&rows, &rows)?.symmetric();
        if let Some(eigen) = Eigen::new(&gram) {
            let least = epsilon(operator.dtype()) * eigen.values.last().copied().unwrap_or(1.0);
            let to = DenseMatrix::from_fn(rank, rank, |i, j| {
                eigen.vectors.get(i, j) / eigen.values[i].max(least).sqrt()
            });
            rows = mix(&to, &rows);
        }
    }
    Ok(rows)
}

/// The eigenvalues, and their vectors as rows, of what a sketch knows.
struct SketchEigen {
    values: Vec<f64>,
    vectors: Tensor<2>,
}

impl SketchEigen {
    /// From the sketch's vectors and their products. `None` if these are not finite.
    fn new(
        start: &Tensor<2>,
        products: Tensor<2>,
        rounding: f64,
    ) -> Result<Option<Self>, SolveError> {
        // A shift as large as the rounding keeps the core positive; it is taken off the eigenvalues again.
        let largest = norms(&products)?.into_iter().fold(0.0, f64::max);
        let mut shift = (products.dims()[1] as f64).sqrt() * rounding * largest;
        if shift == 0.0 {
            shift = f64::MIN_POSITIVE.sqrt();
        }
        loop {
            if !shift.is_finite() {
                return Ok(None);
            }
            let shifted = products.clone() + start.clone() * shift;
            let core = inner(start, &shifted)?.symmetric();
            let Ok(core) = Cholesky::new(core, f64::EPSILON) else {
                shift *= 10.0;
                continue;
            };
            // With the core L L', the rows B = L^-1 (G + shift) W have the singular values' squares as eigenvalues.
            let gram = core.whitened(&inner(&shifted, &shifted)?.symmetric());
            let Some(eigen) = Eigen::new(&gram) else {
                return Ok(None);
            };
            let largest = eigen.values.last().copied().unwrap_or_default();
            let kept: Vec<usize> = (0..eigen.values.len())
                .rev()
                .filter(|&i| eigen.values[i] > shift + rounding * largest)
                .collect();
            let unscaled = core.whiten_rows(&eigen.vectors.pick(&kept));
            let to = DenseMatrix::from_fn(kept.len(), unscaled.columns(), |i, j| {
                unscaled.get(i, j) / eigen.values[kept[i]].sqrt()
            });
            return Ok(Some(Self {
                values: kept.iter().map(|&i| eigen.values[i] - shift).collect(),
                vectors: mix(&to, &shifted),
            }));
        }
    }
}
