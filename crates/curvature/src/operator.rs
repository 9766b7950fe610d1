//! Symmetric linear operators on parameter space.

use burn::tensor::{DType, Device, Tensor};

use crate::CurvatureError;

/// A symmetric linear operator on flat parameter vectors of shape `[dim]`.
pub trait LinearOperator {
    /// Number of parameters.
    fn dim(&self) -> usize;

    /// Where its vectors live.
    fn device(&self) -> Device;

    /// The float type of its vectors.
    fn dtype(&self) -> DType;

    /// The product with `v`, of shape `[dim]`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if `v` has another length; [`CurvatureError::Program`] if the product cannot be run.
    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;
}

/// An operator that is a mean over examples, and can be estimated from a few of them.
pub trait BatchOperator: LinearOperator {
    /// Number of examples `N`.
    fn examples(&self) -> usize;

    /// The product with `v` of the same mean, taken over the examples `indices` alone (repeats allowed): an unbiased estimate
    /// of [`apply`](LinearOperator::apply) when they are drawn uniformly.
    ///
    /// # Errors
    /// As [`apply`](LinearOperator::apply), and [`CurvatureError::Index`] for an example that does not exist.
    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;
}

/// `A + damping * I`.
#[derive(Clone, Copy, Debug)]
pub struct Damped<A> {
    operator: A,
    damping: f64,
}

impl<A> Damped<A> {
    /// `operator + damping * I`.
    pub fn new(operator: A, damping: f64) -> Self {
        Self { operator, damping }
    }

    /// The damping `lambda`.
    pub fn damping(&self) -> f64 {
        self.damping
    }
}

impl<A: LinearOperator> LinearOperator for Damped<A> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.apply(v.clone())?;
        Ok(product + v * self.damping)
    }
}

impl<A: BatchOperator> BatchOperator for Damped<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.apply_batch(indices, v.clone())?;
        Ok(product + v * self.damping)
    }
}

/// `factor * A`.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<A> {
    operator: A,
    factor: f64,
}

impl<A> Scaled<A> {
    /// `factor * operator`.
    pub fn new(operator: A, factor: f64) -> Self {
        Self { operator, factor }
    }
}

impl<A: LinearOperator> LinearOperator for Scaled<A> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.operator.apply(v)? * self.factor)
    }
}

impl<A: BatchOperator> BatchOperator for Scaled<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.operator.apply_batch(indices, v)? * self.factor)
    }
}

/// `A + B`, two operators on the same vectors.
#[derive(Clone, Copy, Debug)]
pub struct Sum<A, B>(A, B);

impl<A: LinearOperator, B: LinearOperator> Sum<A, B> {
    /// `a + b`.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if they are of different dimension.
    pub fn new(a: A, b: B) -> Result<Self, CurvatureError> {
        let (expected, found) = (a.dim(), b.dim());
        if expected == found {
            Ok(Self(a, b))
        } else {
            Err(CurvatureError::Dimension { expected, found })
        }
    }
}

impl<A: LinearOperator, B: LinearOperator> LinearOperator for Sum<A, B> {
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
        Ok(self.0.apply(v.clone())? + self.1.apply(v)?)
    }
}

impl<A: LinearOperator + ?Sized> LinearOperator for &A {
    fn dim(&self) -> usize {
        (**self).dim()
    }

    fn device(&self) -> Device {
        (**self).device()
    }

    fn dtype(&self) -> DType {
        (**self).dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        (**self).apply(v)
    }
}

impl<A: BatchOperator + ?Sized> BatchOperator for &A {
    fn examples(&self) -> usize {
        (**self).examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        (**self).apply_batch(indices, v)
    }
}
