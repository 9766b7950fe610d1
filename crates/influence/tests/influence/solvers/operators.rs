//! Operators with known matrices, and helpers.

use backdraft_curvature::{BatchOperator, CurvatureError, LinearOperator};
use backdraft_influence::{Solution, SolveError};
use backdraft_test_support::relative_error;
pub use backdraft_test_support::vector;
use burn::tensor::{DType, Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The mean of `x x'` over the rows `x` of a matrix.
pub struct Gram {
    pub rows: Tensor<2>,
}

impl Gram {
    pub fn new(examples: usize, dim: usize, seed: u64) -> Self {
        Self {
            rows: uniform(examples * dim, seed).reshape([examples, dim]),
        }
    }

    fn mean_over(rows: Tensor<2>, v: Tensor<1>) -> Tensor<1> {
        let [examples, dim] = rows.dims();
        let projections = rows.clone().matmul(v.reshape([dim, 1]));
        rows.transpose().matmul(projections).reshape([dim]) / examples as f64
    }
}

impl LinearOperator for Gram {
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn dim(&self) -> usize {
        self.rows.dims()[1]
    }

    fn device(&self) -> Device {
        self.rows.device()
    }

    fn dtype(&self) -> DType {
        self.rows.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(Self::mean_over(self.rows.clone(), v))
    }
}

impl BatchOperator for Gram {
    fn examples(&self) -> usize {
        self.rows.dims()[0]
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let indices = Tensor::from_data(indices.as_slice(), &self.device());
        Ok(Self::mean_over(self.rows.clone().select(0, indices), v))
    }
}

/// `Q diag(values) Q'` for the reflection `Q = I - 2 u u'`, `u` of equal elements: any spectrum wanted, not diagonal.
pub struct Spectrum {
    values: Tensor<1>,
}

impl Spectrum {
    pub fn new(values: &[f64], dtype: DType) -> Self {
        Self {
            values: vector(values).cast(dtype),
        }
    }

    fn reflect(v: Tensor<1>) -> Tensor<1> {
        let twice_mean = v.clone().mean() * 2.0;
        v - twice_mean
    }
}

impl LinearOperator for Spectrum {
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn dim(&self) -> usize {
        self.values.dims()[0]
    }

    fn device(&self) -> Device {
        self.values.device()
    }

    fn dtype(&self) -> DType {
        self.values.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(Self::reflect(Self::reflect(v) * self.values.clone()))
    }
}

impl BatchOperator for Spectrum {
    fn examples(&self) -> usize {
        1
    }

    fn apply_batch(&self, _: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.apply(v)
    }
}

/// `A + x y'` for `x` of ones and `y = (1, 0, 0, ...)`: not symmetric.
pub struct Skewed(pub Gram);

impl LinearOperator for Skewed {
    fn dim(&self) -> usize {
        self.0.dim()
    }

    fn device(&self) -> Device {
        self.0.device()
    }

    fn dtype(&self) -> DType {
        self.0.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.0.apply(v.clone())? + v.slice(0..1))
    }
}

pub fn uniform(len: usize, seed: u64) -> Tensor<1> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f64> = (0..len).map(|_| rng.random_range(-1.0..1.0)).collect();
    vector(&values)
}

pub fn host(v: &Tensor<1>) -> Vec<f64> {
    backdraft_test_support::host(v.clone())
}

/// `||a - b|| / ||b||`.
pub fn distance(a: &Tensor<1>, b: &Tensor<1>) -> f64 {
    relative_error(&host(a), &host(b))
}

/// `||b - A s|| / ||b||`, from scratch.
pub fn residual(operator: &dyn LinearOperator, s: &Tensor<1>, b: &Tensor<1>) -> f64 {
    distance(&operator.apply(s.clone()).unwrap(), b)
}

pub fn unconverged(result: Result<Solution, SolveError>) -> (Solution, String) {
    match result {
        Err(SolveError::NotConverged { solution, remedy }) => (*solution, remedy),
        other => panic!("expected NotConverged, got {other:?}"),
    }
}
