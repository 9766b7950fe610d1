//! An operator that tells how often it was used.

use burn::tensor::{DType, Device, Tensor};

use super::{BatchOperator, Law, LinearOperator, delegate::delegate};
use crate::{Cause, Cost, CurvatureError, ExampleRoot};

/// An operator that tells of its products, after they are made: how many, those over a part of the examples each as
/// one.
pub struct CountedOperator<'a, A> {
    operator: A,
    told: Box<dyn Fn(usize) + 'a>,
}

impl<'a, A> CountedOperator<'a, A> {
    /// `told` is called with the number of products.
    pub fn new(operator: A, told: impl Fn(usize) + 'a) -> Self {
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

impl<A: LinearOperator> LinearOperator for CountedOperator<'_, A> {
    delegate! {
        self, self.operator;
        fn dim() -> usize;
        fn device() -> Device;
        fn dtype() -> DType;
        fn batch_size() -> Option<usize>;
        fn law() -> Law;
        fn gauss_newton_of() -> Option<&Cost>;
        fn example_root() -> Option<ExampleRoot<'_>>;
        fn cause(v: &Tensor<1>) -> Result<Cause, CurvatureError>;
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        let operator = self.operator.over_examples()?;
        Some(Box::new(CountedOperator::new(operator, &*self.told)))
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

impl<A: BatchOperator> BatchOperator for CountedOperator<'_, A> {
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
