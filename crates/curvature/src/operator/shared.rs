//! Operators that are borrowed, boxed or shared.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor};

use super::{BatchOperator, Law, LinearOperator, delegate::delegate};
use crate::{Cause, Cost, CurvatureError, ExampleRoot};

type Vector = Result<Tensor<1>, CurvatureError>;
type Vectors = Result<Tensor<2>, CurvatureError>;

macro_rules! through {
    ($($pointer:ty),+) => {$(
        impl<A: LinearOperator + ?Sized> LinearOperator for $pointer {
            delegate! {
                self, (**self);
                fn dim() -> usize;
                fn device() -> Device;
                fn dtype() -> DType;
                fn batch_size() -> Option<usize>;
                fn gauss_newton_of() -> Option<&Cost>;
                fn example_root() -> Option<ExampleRoot<'_>>;
                fn law() -> Law;
                fn over_examples() -> Option<Box<dyn BatchOperator + '_>>;
                fn cause(v: &Tensor<1>) -> Result<Cause, CurvatureError>;
                fn apply(v: Tensor<1>) -> Vector;
                fn product(v: Tensor<1>) -> Vector;
                fn apply_many(vs: Tensor<2>) -> Vectors;
                fn products(vs: Tensor<2>) -> Vectors;
            }
        }

        impl<A: BatchOperator + ?Sized> BatchOperator for $pointer {
            delegate! {
                self, (**self);
                fn examples() -> usize;
                fn apply_batch(indices: &[usize], v: Tensor<1>) -> Vector;
                fn batch_product(indices: &[usize], v: Tensor<1>) -> Vector;
                fn apply_batch_many(indices: &[usize], vs: Tensor<2>) -> Vectors;
                fn batch_products(indices: &[usize], vs: Tensor<2>) -> Vectors;
            }
        }
    )+};
}

through!(&A, Box<A>, Arc<A>);
