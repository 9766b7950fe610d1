//! A sum of two matrices.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Definiteness, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
    delegate::delegate,
};
use crate::{Cause, CurvatureError};

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
    delegate! {
        self, self.0;
        fn dim() -> usize;
        fn device() -> Device;
        fn dtype() -> DType;
    }

    fn batch_size(&self) -> Option<usize> {
        self.0.batch_size().max(self.1.batch_size())
    }

    fn law(&self) -> Law {
        let (a, b) = (self.0.law(), self.1.law());
        Law {
            name: format!("{} plus {}", a.name, b.name),
            definiteness: match a.definiteness {
                Definiteness::Semidefinite => b.definiteness,
                other => other,
            },
            damping: a.damping + b.damping,
        }
    }

    /// If both are, over as many examples.
    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        let (a, b) = (self.0.over_examples()?, self.1.over_examples()?);
        (a.examples() == b.examples()).then(|| Box::new(Sum(a, b)) as Box<dyn BatchOperator>)
    }

    fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
        match self.0.cause(v)? {
            Cause::Unknown | Cause::Overflow { .. } => self.1.cause(v),
            found => Ok(found),
        }
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.0.product(v.clone())? + self.1.product(v)?)
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        Ok(self.0.products(vs.clone())? + self.1.products(vs)?)
    }
}

impl<A: BatchOperator, B: BatchOperator> Sum<A, B> {
    /// Whether a batch of one is a batch of the other.
    fn check_examples(&self) -> Result<(), CurvatureError> {
        match (self.0.examples(), self.1.examples()) {
            (a, b) if a == b => Ok(()),
            (a, b) => Err(CurvatureError::Batches { a, b }),
        }
    }
}

/// Of two means over the same examples: a batch is a batch of both. Products with a batch report
/// [`CurvatureError::Batches`] if they are not of the same number of examples.
impl<A: BatchOperator, B: BatchOperator> BatchOperator for Sum<A, B> {
    fn examples(&self) -> usize {
        self.0.examples().max(self.1.examples())
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.check_examples()?;
        let a = self.0.batch_product(indices, v.clone())?;
        Ok(a + self.1.batch_product(indices, v)?)
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        self.check_examples()?;
        let a = self.0.batch_products(indices, vs.clone())?;
        Ok(a + self.1.batch_products(indices, vs)?)
    }
}
