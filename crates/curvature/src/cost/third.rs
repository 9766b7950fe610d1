//! The third derivative of a cost, applied to a vector twice.

use backdraft_program::DispatchTensor;
use burn::Tensor;

use super::Cost;
use crate::{
    CurvatureError,
    exact::hessian_product,
    function::BatchFunction,
    trace::{TracedBatch, flat},
};

/// Of a batch: forward mode over the product with the Hessian, which is forward over reverse mode.
const THIRD_DERIVATIVE: BatchFunction = BatchFunction::product("third derivative", results);

fn results(batch: &TracedBatch<'_>) -> Result<Vec<DispatchTensor>, CurvatureError> {
    let product = |theta| hessian_product(batch, theta);
    let along = backdraft_program::jvp(product, batch.theta.clone(), batch.v())?;
    flat(along.1)
}

impl Cost {
    /// The third derivative of the cost applied to `v` twice, `[dim]`:
    ///
    /// ```text
    /// T[v, v] = d/ds H(theta + s v) v  at s = 0,    T[v, v]_k = sum over i, j of d^3 J / (d_i d_j d_k) v_i v_j
    /// ```
    ///
    /// exact, by one more forward mode over the product with the Hessian; one pass over the examples. An L2 term has
    /// none. Of a piecewise linear network (ReLU) it is that of the piece that `theta` is in.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Placement`], [`CurvatureError::Program`],
    /// [`CurvatureError::NotFinite`].
    pub fn third_derivative(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        let v = self.model().vectors(v)?;
        self.sound("the third derivative", Some(&v), |cost| {
            let mut total: Option<Tensor<1>> = None;
            for batch in cost.batches() {
                let [part] = cost.run(THIRD_DERIVATIVE, batch?, vec![cost.scale(), v.clone()])?;
                let part = Tensor::from_dispatch(part);
                total = Some(match total {
                    Some(total) => total + part,
                    None => part,
                });
            }
            Ok(total.expect("a cost has examples"))
        })
    }
}
