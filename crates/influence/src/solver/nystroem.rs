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

use backdraft_curvature::{Definiteness, LinearOperator};
use backdraft_dense::{Cholesky, DenseMatrix, Eigen};
use burn::tensor::{Tensor, TensorData};
use rand::{Rng, SeedableRng, distr::Uniform};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::rows::{inner, mix, norms};
use super::vector::System;
use super::{
    Inverse, Solution, SolveError, SolveInfo, Solver, check_count, check_tolerance, epsilon,
};

const NAME: &str = "nystroem";

/// Settings of [`Nystroem`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NystroemConfig {
    /// Random vectors that are multiplied with, and most eigenvalues that are known. At most the dimension is taken.
    pub rank: usize,
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
            seed: 0,
            tolerance: None,
        }
    }
}

impl NystroemConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a rank of zero, or a tolerance that is not positive.
    pub fn init(self) -> Result<Nystroem, SolveError> {
        check_count("rank", self.rank)?;
        self.tolerance.map_or(Ok(()), check_tolerance)?;
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
    pub(super) fn inverse<'a>(
        &self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Sketch<'a>, SolveError> {
        let law = operator.law();
        if matches!(law.definiteness, Definiteness::Indefinite { .. }) || law.damping <= 0.0 {
            return Err(SolveError::NotSketched { name: law.name });
        }
        let rank = self.config.rank.min(operator.dim());
        let start = random_rows(operator, rank, self.config.seed)?;
        let products = operator.products(start.clone())? - start.clone() * law.damping;
        let found = SketchEigen::new(&start, products, epsilon(operator.dtype()))?;
        let Some(SketchEigen { values, vectors }) = found else {
            return Err(SolveError::not_finite(
                "a product of the sketch",
                operator,
                &start.slice(0..1).squeeze_dim(0),
            ));
        };
        Ok(Sketch {
            operator,
            damping: law.damping,
            values,
            vectors,
            products: rank as f64,
            tolerance: self.config.tolerance.unwrap_or(f64::INFINITY),
        })
    }
}

impl Solver for Nystroem {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.inverse(operator)?))
    }
}

/// Orthonormal rows, drawn at random.
fn random_rows(
    operator: &dyn LinearOperator,
    rank: usize,
    seed: u64,
) -> Result<Tensor<2>, SolveError> {
    let dim = operator.dim();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Any distribution that knows no direction by name will do, once the rows are orthonormal.
    let range = Uniform::new_inclusive(-1.0, 1.0).expect("a range");
    let values: Vec<f64> = (0..rank * dim).map(|_| rng.sample(range)).collect();
    let options = (&operator.device(), operator.dtype());
    let mut rows = Tensor::from_data(TensorData::new(values, [rank, dim]), options);
    for _ in 0..2 {
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

/// A sketch of an operator.
pub(super) struct Sketch<'a> {
    operator: &'a dyn LinearOperator,
    damping: f64,
    /// Descending.
    values: Vec<f64>,
    /// `[values, dim]`.
    vectors: Tensor<2>,
    products: f64,
    tolerance: f64,
}

impl Inverse for Sketch<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        let Some(system) = System::new(self.operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, self.tolerance));
        };
        let s = self.apply_many(system.rhs.clone().unsqueeze_dim(0))?;
        let s = s.squeeze_dim(0);
        let (_, true_residual) = system
            .residual(&s)
            .map_err(|error| error.on(self.operator))?;
        let mut info = SolveInfo::new(NAME, self.tolerance);
        info.products = self.products + 1.0;
        info.residuals.push(true_residual);
        info.true_residual = true_residual;
        let vector = system.unscaled(s)?;
        Solution { vector, info }
            .judge(|_| "the sketch is not near enough: raise its rank, or precondition conjugate gradients with it".into())
    }

    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        let Some(least) = self.values.last() else {
            return Ok(rhs / self.damping);
        };
        let rest = 1.0 / (least + self.damping);
        let count = self.values.len();
        let weights: Vec<f64> = self
            .values
            .iter()
            .map(|value| 1.0 / (value + self.damping) - rest)
            .collect();
        let options = (&rhs.device(), rhs.dtype());
        let weights = Tensor::<2>::from_data(TensorData::new(weights, [1, count]), options);
        let along = rhs.clone().matmul(self.vectors.clone().transpose());
        Ok(rhs * rest + (along * weights).matmul(self.vectors.clone()))
    }
}
