//! Operators that are borrowed, boxed or shared.

use std::sync::Arc;

use burn::tensor::{DType, Device, Tensor};

use super::{BatchOperator, Law, LinearOperator};
use crate::{Cause, CurvatureError};

macro_rules! through {
    ($($pointer:ty),+) => {$(
        impl<A: LinearOperator + ?Sized> LinearOperator for $pointer {
            fn dim(&self) -> usize {
                (**self).dim()
            }

            fn device(&self) -> Device {
                (**self).device()
            }

            fn dtype(&self) -> DType {
                (**self).dtype()
            }

            fn batch_size(&self) -> Option<usize> {
                (**self).batch_size()
            }

            fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
                (**self).apply(v)
            }

            fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
                (**self).apply_many(vs)
            }

            fn law(&self) -> Law {
                (**self).law()
            }

            fn over_examples(&self) -> Option<Box<dyn BatchOperator + '_>> {
                (**self).over_examples()
            }

            fn cause(&self, v: &Tensor<1>) -> Result<Cause, CurvatureError> {
                (**self).cause(v)
            }

            fn product(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
                (**self).product(v)
            }

            fn products(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
                (**self).products(vs)
            }
        }

        impl<A: BatchOperator + ?Sized> BatchOperator for $pointer {
            fn examples(&self) -> usize {
                (**self).examples()
            }

            fn apply_batch(
                &self,
                indices: &[usize],
                v: Tensor<1>,
            ) -> Result<Tensor<1>, CurvatureError> {
                (**self).apply_batch(indices, v)
            }

            fn apply_batch_many(
                &self,
                indices: &[usize],
                vs: Tensor<2>,
            ) -> Result<Tensor<2>, CurvatureError> {
                (**self).apply_batch_many(indices, vs)
            }

            fn batch_product(
                &self,
                indices: &[usize],
                v: Tensor<1>,
            ) -> Result<Tensor<1>, CurvatureError> {
                (**self).batch_product(indices, v)
            }

            fn batch_products(
                &self,
                indices: &[usize],
                vs: Tensor<2>,
            ) -> Result<Tensor<2>, CurvatureError> {
                (**self).batch_products(indices, vs)
            }
        }
    )+};
}

through!(&A, Box<A>, Arc<A>);
