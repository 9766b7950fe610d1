//! An operator that tells how often it was used.

use backdraft_curvature::{BatchOperator, Cause, CurvatureError, Law, LinearOperator};
use burn::tensor::{DType, Device, Tensor};

/// An operator that tells of its products.
pub(super) struct CountedOperator<'a> {
    operator: &'a dyn BatchOperator,
    told: Box<dyn Fn(usize) + 'a>,
}

impl<'a> CountedOperator<'a> {
    /// `told` is called with the number of products after they are made.
    pub fn new(operator: &'a dyn BatchOperator, told: impl Fn(usize) + 'a) -> Self {
        let told = Box::new(told);
        Self { operator, told }
    }

    fn after<T>(
        &self,
        count: usize,
        found: Result<T, CurvatureError>,
    ) -> Result<T, CurvatureError> {
        (self.told)(count);
        found
    }
}

impl LinearOperator for CountedOperator<'_> {
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(self))
    }

    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn batch_size(&self) -> Option<usize> {
        self.operator.batch_size()
    }

    fn law(&self) -> Law {
        self.operator.law()
    }

    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        self.operator.cause(v)
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.after(1, self.operator.apply(v))
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.after(vs.dims()[0], self.operator.apply_many(vs))
    }

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.after(1, self.operator.product(v))
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.after(vs.dims()[0], self.operator.products(vs))
    }
}

impl BatchOperator for CountedOperator<'_> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    fn apply_batch(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.after(1, self.operator.apply_batch(indices, v))
    }

    fn apply_batch_many(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let count = vs.dims()[0];
        self.after(count, self.operator.apply_batch_many(indices, vs))
    }

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.after(1, self.operator.batch_product(indices, v))
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let count = vs.dims()[0];
        self.after(count, self.operator.batch_products(indices, vs))
    }
}
