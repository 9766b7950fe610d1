//! A matrix without the part of some examples.

use burn::tensor::{DType, Device, Tensor};

use super::{
    BatchOperator, Definiteness, Law, LinearOperator, apply_batch_checked, apply_checked, checked,
    delegate::delegate,
};
use crate::{Cause, CurvatureError};

/// `A - sum over z of eps_z H_z`: a mean over `N` examples, of which the part of some is taken off; with `eps = 1/N`
/// all of it. What is not of the examples, the damping and an L2 term, stays.
#[derive(Clone, Debug)]
pub struct Without<A> {
    operator: A,
    /// Examples of one weight together, in the order of their first.
    taken: Vec<Taken>,
}

/// Examples, and the weight taken off each.
#[derive(Clone, Debug)]
struct Taken {
    examples: Vec<usize>,
    epsilon: f64,
}

impl<A: LinearOperator> Without<A> {
    /// `operator` with weights taken off examples, pairs of an example, each once, and its `eps`. A product costs what
    /// one of `operator` does, and for every different weight the share of its examples.
    ///
    /// # Errors
    /// [`CurvatureError::NotOverExamples`] if it is no mean over examples; [`CurvatureError::Index`];
    /// [`CurvatureError::Setting`] for a weight that is not finite.
    pub fn new(
        operator: A,
        weights: impl IntoIterator<Item = (usize, f64)>,
    ) -> Result<Self, CurvatureError> {
        let len = parts(&operator)?.examples();
        let mut taken: Vec<Taken> = Vec::new();
        for (index, epsilon) in weights {
            if index >= len {
                return Err(CurvatureError::Index { index, len });
            }
            CurvatureError::check_finite("epsilon", epsilon, operator.dtype())?;
            match taken.iter_mut().find(|it| it.epsilon == epsilon) {
                Some(same) => same.examples.push(index),
                None => taken.push(Taken {
                    examples: vec![index],
                    epsilon,
                }),
            }
        }
        Ok(Self { operator, taken })
    }

    /// `product` less `weight` times `part`, a mean over some examples, of which the damping stays.
    fn less<const D: usize>(
        &self,
        (product, part): (Tensor<D>, Tensor<D>),
        vs: &Tensor<D>,
        weight: f64,
    ) -> Tensor<D> {
        product - part * weight + vs.clone() * (weight * self.operator.law().damping)
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
        let named = self.taken.iter().flat_map(|it| &it.examples);
        let mut named: Vec<usize> = named.copied().collect();
        let count = named.len();
        named.sort_unstable();
        named.dedup();
        // Rounding of `1/N` does not matter.
        let len = self.operator.over_examples().map_or(0, |it| it.examples());
        let whole = |it: &Taken| it.epsilon * len as f64 <= 1.0 + 1e-9;
        let left = named.len() == count && self.taken.iter().all(whole);
        Law {
            name: format!("{} without {count} examples", law.name),
            definiteness: match law.definiteness {
                Definiteness::Semidefinite if !left => Definiteness::Unknown,
                other => other,
            },
            damping: law.damping,
        }
    }

    fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
        Some(Box::new(Without {
            operator: self.operator.over_examples()?,
            taken: self.taken.clone(),
        }))
    }

    apply_checked!();

    fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let mut product = self.operator.product(v.clone())?;
        for Taken { examples, epsilon } in &self.taken {
            let part = parts(&self.operator)?.batch_product(examples, v.clone())?;
            product = self.less((product, part), &v, epsilon * examples.len() as f64);
        }
        Ok(product)
    }

    fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let mut products = self.operator.products(vs.clone())?;
        for Taken { examples, epsilon } in &self.taken {
            let part = parts(&self.operator)?.batch_products(examples, vs.clone())?;
            products = self.less((products, part), &vs, epsilon * examples.len() as f64);
        }
        Ok(products)
    }
}

impl<A: BatchOperator> Without<A> {
    /// Those of `indices` whose part is taken off, and the weight of their mean in a mean over all of them.
    fn among(&self, indices: &[usize]) -> Vec<(Vec<usize>, f64)> {
        let scale = self.operator.examples() as f64 / indices.len().max(1) as f64;
        let of = |taken: &Taken| {
            let gone = indices.iter().filter(|it| taken.examples.contains(it));
            let gone: Vec<usize> = gone.copied().collect();
            let weight = scale * taken.epsilon * gone.len() as f64;
            (!gone.is_empty()).then_some((gone, weight))
        };
        self.taken.iter().filter_map(of).collect()
    }
}

impl<A: BatchOperator> BatchOperator for Without<A> {
    fn examples(&self) -> usize {
        self.operator.examples()
    }

    apply_batch_checked!();

    fn batch_product(&self, indices: &[usize], v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let mut product = self.operator.batch_product(indices, v.clone())?;
        for (gone, weight) in self.among(indices) {
            let part = self.operator.batch_product(&gone, v.clone())?;
            product = self.less((product, part), &v, weight);
        }
        Ok(product)
    }

    fn batch_products(
        &self,
        indices: &[usize],
        vs: Tensor<2>,
    ) -> Result<Tensor<2>, CurvatureError> {
        let mut products = self.operator.batch_products(indices, vs.clone())?;
        for (gone, weight) in self.among(indices) {
            let part = self.operator.batch_products(&gone, vs.clone())?;
            products = self.less((products, part), &vs, weight);
        }
        Ok(products)
    }
}
