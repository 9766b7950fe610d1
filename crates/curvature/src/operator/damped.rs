//! A matrix with damping.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
    delegate::delegate,
};
use crate::{Cause, Cost, CurvatureError, ExampleRoot};

/// `A + damping * I`.
#[derive(Clone, Copy, Debug)]
pub struct Damped<A> {
    operator: A,
    damping: f64,
}

impl<A> Damped<A> {
    /// `operator + damping * I`. Products report [`CurvatureError::Setting`] for a damping that is negative or not
    /// finite.
    pub fn new(operator: A, damping: f64) -> Self {
        Self { operator, damping }
    }

    /// The damping `lambda`.
    pub fn damping(&self) -> f64 {
        self.damping
    }

    fn add<const D: usize>(
        &self,
        product: Tensor<D>,
        vs: Tensor<D>,
    ) -> Result<Tensor<D>, CurvatureError> {
        CurvatureError::check_strength("damping", self.damping, product.dtype())?;
        Ok(product + vs * self.damping)
    }
}

impl<A: LinearOperator> LinearOperator for Damped<A> {
    delegate! {
        self, self.operator;
        fn dim() -> usize;
        fn device() -> Device;
        fn dtype() -> DType;
        fn batch_size() -> Option<usize>;
        fn gauss_newton_of() -> Option<&Cost>;
        fn example_root() -> Option<ExampleRoot<'_>>;
        fn cause(v: &Tensor<1>) -> Result<Cause, CurvatureError>;
    }

    fn law(&self) -> Law {
        let law = self.operator.law();
        Law {
            damping: law.damping + self.damping,
            ..law
        }
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        let operator = self.operator.over_examples()?;
        Some(Box::new(Damped::new(operator, self.damping)))
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.add(self.operator.product(v.clone())?, v)
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.add(self.operator.products(vs.clone())?, vs)
    }
}

impl<A: BatchOperator> BatchOperator for Damped<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.add(self.operator.batch_product(indices, v.clone())?, v)
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        self.add(self.operator.batch_products(indices, vs.clone())?, vs)
    }
}
