//! Linear maps of a batch, of which what does not depend on the vector is computed once.

use std::sync::Arc;

use backdraft_program::{DispatchTensor, LinearMap};
use burn::Tensor;

use crate::{CurvatureError, operator::by_rows};

/// A batch's linear map with what does not depend on the vector.
#[derive(Clone)]
pub(crate) struct Fixed {
    map: Arc<LinearMap>,
    values: Vec<DispatchTensor>,
}

impl Fixed {
    /// Of a map at a point.
    pub fn new(map: Arc<LinearMap>, point: Vec<DispatchTensor>) -> Result<Self, CurvatureError> {
        Ok(Self {
            values: map.at(point)?,
            map,
        })
    }

    /// The map's value at `v`.
    pub fn apply(self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let product = self.map.apply(vec![v.into_dispatch()], self.values)?;
        Ok(first(product))
    }

    /// The same for every row of `vs`, as many at once as the device takes.
    pub fn apply_many(self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        let (count, at_once) = (vs.dims()[0], self.map.at_once());
        if at_once == 1 {
            return by_rows(vs, |v| self.clone().apply(v));
        }
        // Of the same size as far as possible: each has a program of its own.
        let parts = vs.split(count.div_ceil(count.div_ceil(at_once)), 0);
        let products = parts.into_iter().map(|vs| {
            let (k, vs) = (vs.dims()[0], vec![vs.into_dispatch()]);
            let product = self.map.apply_many(k, vs, self.values.clone())?;
            Ok(first(product))
        });
        let mut products = products.collect::<Result<Vec<_>, CurvatureError>>()?;
        Ok(match products.len() {
            1 => products.swap_remove(0),
            _ => Tensor::cat(products, 0),
        })
    }
}

/// The only result of a product.
pub(crate) fn first<const D: usize>(mut results: Vec<DispatchTensor>) -> Tensor<D> {
    Tensor::from_dispatch(results.swap_remove(0))
}
