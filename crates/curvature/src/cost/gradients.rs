//! The gradient of every example's own loss.

use std::sync::Arc;

use backdraft_program::Compiled;
use burn::Tensor;

use super::Cost;
use crate::{CurvatureError, Rows, data::Batch, function::BatchFunction};

/// Bytes that gradients may have under way at once: 256 MiB.
const WORKING: usize = 256 << 20;

impl Cost {
    /// The gradient of every example's loss with respect to the parameters, `[N, dim]`, without the L2 term:
    /// `N * dim` numbers, so [`select`](Self::select) a few examples of a large model.
    ///
    /// # Errors
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn gradients(&self) -> Result<Tensor<2>, CurvatureError> {
        self.sound("the gradients", None, |cost| cost.each_gradient(|it| it))
    }

    /// The Euclidean norm of every example's gradient, `[N]`, without the L2 term. Gradients are held a few at a time.
    ///
    /// # Errors
    /// As [`gradients`](Self::gradients).
    pub fn gradient_norms(&self) -> Result<Tensor<1>, CurvatureError> {
        self.sound("the gradients' norms", None, |cost| {
            cost.each_gradient(|gradients| {
                // Squares of small gradients vanish in 32 bits.
                let largest = gradients.clone().abs().max_dim(1);
                let safe = largest
                    .clone()
                    .mask_fill(largest.clone().equal_elem(0.0), 1.0);
                let norms = (gradients / safe).square().sum_dim(1).sqrt() * largest;
                norms.squeeze_dim(1)
            })
        })
    }

    /// What `f` makes of the gradients of a few examples at a time, `[k, dim]`, one after another.
    fn each_gradient<const D: usize>(
        &self,
        f: impl Fn(Tensor<2>) -> Tensor<D>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let one = self.programs.scale(1, &self.model);
        let mut parts = Vec::new();
        for batch in self.batches() {
            let batch = batch?;
            let (len, at_once) = (batch[0].len(), self.at_once(&batch, &one)?);
            for start in (0..len).step_by(at_once) {
                let range = start..len.min(start + at_once);
                let part: Batch = batch.iter().map(|rows| rows.slice(range.clone())).collect();
                let program = self.each(&part, &one, range.len())?;
                let apart = part.iter().map(|rows| Rows::from(rows.apart())).collect();
                let gradients = program.run(self.arguments(apart, vec![one.clone()]))?;
                let gradients = gradients.into_iter().next_back().expect("the gradient");
                parts.push(f(Tensor::from_dispatch(gradients)));
            }
        }
        Ok(Tensor::cat(parts, 0))
    }

    /// The gradient's program for `count` examples at once.
    fn each(
        &self,
        batch: &Batch,
        one: &Tensor<1>,
        count: usize,
    ) -> Result<Arc<Compiled>, CurvatureError> {
        let single = batch.iter().map(|rows| rows.slice(0..1)).collect();
        let arguments = self.arguments(single, vec![one.clone()]);
        let examples = arguments.len() - 1 - batch.len()..arguments.len() - 1;
        let examples: Vec<usize> = examples.collect();
        let function = BatchFunction::GRADIENT;
        let programs = &self.programs;
        programs.each(function, self.parts(), &arguments, &examples, count)
    }

    /// Examples whose gradients there is memory for.
    fn at_once(&self, batch: &Batch, one: &Tensor<1>) -> Result<usize, CurvatureError> {
        let single = batch.iter().map(|rows| rows.slice(0..1)).collect();
        let arguments = self.arguments(single, vec![one.clone()]);
        let program = self
            .programs
            .get(BatchFunction::GRADIENT, self.parts(), &arguments)?;
        Ok((WORKING / program.program().peak_bytes().max(1)).clamp(1, batch[0].len()))
    }
}
