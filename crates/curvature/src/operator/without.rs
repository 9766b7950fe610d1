//! A matrix without the part of some examples.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Definiteness, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
    delegate::delegate,
};
use crate::{Cause, CurvatureError};

/// `A - eps sum over z of H_z`: a mean over `N` examples, of which the part of some is taken off; with `eps = 1/N` all
/// of it. What is not of the examples, the damping and an L2 term, stays.
#[derive(Clone, Debug)]
pub struct Without<A> {
    operator: A,
    examples: Vec<usize>,
    epsilon: f64,
}

impl<A: LinearOperator> Without<A> {
    /// `operator` with the weight `epsilon` taken off each of `examples`, which are there. A product costs what one of
    /// `operator` does and its share for the examples.
    ///
    /// # Errors
    /// [`CurvatureError::NotOverExamples`] if it is no mean over examples; [`CurvatureError::Index`];
    /// [`CurvatureError::Setting`] for an `epsilon` that is not finite.
    pub fn new(operator: A, examples: Vec<usize>, epsilon: f64) -> Result<Self, CurvatureError> {
        let len = parts(&operator)?.examples();
        if let Some(&index) = examples.iter().find(|&&index| index >= len) {
            return Err(CurvatureError::Index { index, len });
        }
        CurvatureError::check_finite("epsilon", epsilon, operator.dtype())?;
        Ok(Self {
            operator,
            examples,
            epsilon,
        })
    }

    /// `product` less `weight` times `part`, a mean over some examples, of which the damping stays.
    fn less<const D: usize>(
        &self,
        (product, part): (Tensor<D>, Tensor<D>),
        vs: Tensor<D>,
        weight: f64,
    ) -> Tensor<D> {
        product - part * weight + vs * (weight * self.operator.law().damping)
    }

    /// The sum of the weights that are taken off.
    fn weight(&self) -> f64 {
        self.epsilon * self.examples.len() as f64
    }
}

/// The mean over examples that `operator` is.
fn parts<A: LinearOperator>(operator: &A) -> Result<Box<dyn BatchOperator + '_>, CurvatureError> {
    let none = || CurvatureError::NotOverExamples {
        name: operator.law().name,
    };
    operator.over_examples().ok_or_else(none)
}

impl<A: LinearOperator> LinearOperator for Without<A> {
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
        let mut named = self.examples.clone();
        named.sort_unstable();
        named.dedup();
        let once = named.len() == self.examples.len();
        // Rounding of `1/N` does not matter.
        let len = self.operator.over_examples().map_or(0, |it| it.examples());
        let whole = self.epsilon * len as f64 <= 1.0 + 1e-9;
        Law {
            name: format!("{} without {} examples", law.name, self.examples.len()),
            definiteness: match law.definiteness {
                Definiteness::Semidefinite if !(once && whole) => Definiteness::Unknown,
                other => other,
            },
            damping: law.damping,
        }
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(Without {
            operator: self.operator.over_examples()?,
            examples: self.examples.clone(),
            epsilon: self.epsilon,
        }))
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.product(v.clone())?;
        if self.examples.is_empty() {
            return Ok(product);
        }
        let part = parts(&self.operator)?.batch_product(&self.examples, v.clone())?;
        Ok(self.less((product, part), v, self.weight()))
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let products = self.operator.products(vs.clone())?;
        if self.examples.is_empty() {
            return Ok(products);
        }
        let part = parts(&self.operator)?.batch_products(&self.examples, vs.clone())?;
        Ok(self.less((products, part), vs, self.weight()))
    }
}

impl<A: BatchOperator> Without<A> {
    /// Those of `indices` whose part is taken off, and the weight of their mean in a mean over all of them.
    fn among(&self, indices: &[usize]) -> (Vec<usize>, f64) {
        let gone = indices.iter().filter(|it| self.examples.contains(it));
        let gone: Vec<usize> = gone.copied().collect();
        let share = gone.len() as f64 / indices.len().max(1) as f64;
        (gone, share * self.epsilon * self.operator.examples() as f64)
    }
}

impl<A: BatchOperator> BatchOperator for Without<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.operator.batch_product(indices, v.clone())?;
        let (gone, weight) = self.among(indices);
        if gone.is_empty() {
            return Ok(product);
        }
        let part = self.operator.batch_product(&gone, v.clone())?;
        Ok(self.less((product, part), v, weight))
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let products = self.operator.batch_products(indices, vs.clone())?;
        let (gone, weight) = self.among(indices);
        if gone.is_empty() {
            return Ok(products);
        }
        let part = self.operator.batch_products(&gone, vs.clone())?;
        Ok(self.less((products, part), vs, weight))
    }
}
