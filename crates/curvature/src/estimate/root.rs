//! A square root of the Gauss-Newton matrix, one row an example and output.

use burn::{Tensor, backend::TensorMetadata};

use super::pull_back::{PullBack, every_column, shaped};
use crate::{Cost, CurvatureError};

impl Cost {
    /// Rows `R`, `[N outputs, dim]`, of which the Gauss-Newton matrix without the L2 term is `R' R`: what the columns of a
    /// square root of every example's output Hessian are pulled back to, divided by the root of `N`. As many reverse
    /// passes over the examples as there are outputs, and `N outputs dim` numbers: for few examples, or few outputs.
    ///
    /// # Errors
    /// [`CurvatureError::NotConvex`], [`CurvatureError::NoRoot`], [`CurvatureError::Program`].
    pub fn gauss_newton_root(&self) -> Result<Tensor<2>, CurvatureError> {
        if !self.loss().convex() {
            return Err(CurvatureError::NotConvex);
        }
        let pull_back = PullBack::new(self)?;
        let all: Vec<usize> = (0..self.model().parameters().len()).collect();
        let (quantities, places) = pull_back.quantities(&[], &all)?;
        let mixture = every_column(self, pull_back.outputs());
        let mut parts = Vec::new();
        pull_back.for_each(self, &quantities, &mixture, |part| {
            let pieces = places.whole.iter().map(|&at| {
                let tensor = &part.varying[at];
                let shape = tensor.shape();
                let rows = shape[0] * shape[1];
                shaped(tensor, [rows, shape.num_elements() / rows])
            });
            parts.push(Tensor::cat(pieces.collect(), 1));
            Ok(())
        })?;
        Ok(Tensor::cat(parts, 0) / (self.len() as f64).sqrt())
    }

    /// Outputs of the network for an example.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn output_count(&self) -> Result<usize, CurvatureError> {
        let outputs = self.program(crate::BatchFunction::OUTPUTS)?;
        Ok(outputs.outputs()[0].shape[1])
    }
}
