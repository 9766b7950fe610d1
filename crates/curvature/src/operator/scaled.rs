//! A multiple of a matrix.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Definiteness, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
    delegate::delegate,
};
use crate::{Cause, CurvatureError, error::number};

/// `factor * A`.
#[derive(Clone, Copy, Debug)]
pub struct Scaled<A> {
    operator: A,
    factor: f64,
}

impl<A> Scaled<A> {
    /// `factor * operator`. Products report [`CurvatureError::Setting`] for a factor that is not finite.
    pub fn new(operator: A, factor: f64) -> Self {
        Self { operator, factor }
    }

    fn times<const D: usize>(&self, product: Tensor<D>) -> Result<Tensor<D>, CurvatureError> {
        CurvatureError::check_finite("factor", self.factor, product.dtype())?;
        Ok(product * self.factor)
    }
}

impl<A: LinearOperator> LinearOperator for Scaled<A> {
    delegate! {
        self, self.operator;
        fn dim() -> usize;
        fn device() -> Device;
        fn dtype() -> DType;
        fn batch_size() -> Option<usize>;
        fn cause(v: &Tensor<1>) -> Result<Cause, CurvatureError>;
    }

    fn law(&self) -> Law {
        let law = self.operator.law();
        Law {
            name: format!("{} times {}", number(self.factor), law.name),
            definiteness: match self.factor >= 0.0 {
                true => law.definiteness,
                false => Definiteness::Indefinite {
                    instead: "take a factor that is not negative",
                },
            },
            damping: law.damping * self.factor,
        }
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        let operator = self.operator.over_examples()?;
        Some(Box::new(Scaled::new(operator, self.factor)))
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.times(self.operator.product(v)?)
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.times(self.operator.products(vs)?)
    }
}

impl<A: BatchOperator> BatchOperator for Scaled<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.times(self.operator.batch_product(indices, v)?)
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        self.times(self.operator.batch_products(indices, vs)?)
    }
}
