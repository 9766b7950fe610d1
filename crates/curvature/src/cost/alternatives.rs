//! Losses of the same outputs with other targets.

use backdraft_program::DispatchTensor;
use burn::Tensor;

use super::Cost;
use crate::{Cause, CurvatureError, Rows, data::Batch, function::BatchFunction};

impl Cost {
    /// The derivatives along `v` of every example's loss with each of `alternatives` in place of its targets,
    /// `[alternatives, N]`: in row `a` what [`directional_derivatives`](Self::directional_derivatives) are of the cost
    /// [`with_targets`](Self::with_targets) `a`. Each alternative has the targets of all examples. The network is run
    /// once for all of them, in forward mode; what is done for each is the loss alone.
    ///
    /// # Errors
    /// As [`with_targets`](Self::with_targets) for each alternative; [`CurvatureError::Target`] where the loss is not
    /// defined for one; [`CurvatureError::Dimension`], [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn directional_derivatives_with(
        &self,
        v: Tensor<1>,
        alternatives: &[Vec<Rows>],
    ) -> Result<Tensor<2>, CurvatureError> {
        let v = self.model.vectors(v)?;
        let others = alternatives.iter().cloned();
        let others: Vec<Self> = others
            .map(|targets| self.with_targets(targets))
            .collect::<Result<_, _>>()?;
        if others.is_empty() {
            return Ok(Tensor::zeros([0, self.len()], (&v.device(), v.dtype())));
        }
        let (mut parts, mut start) = (Vec::new(), 0);
        for batch in self.batches() {
            let batch = batch?;
            let range = start..start + batch[0].len();
            let along = self.run(BatchFunction::OUTPUTS_ALONG, batch.clone(), vec![v.clone()])?;
            let mut rows = Vec::with_capacity(others.len());
            for (other, targets) in others.iter().zip(alternatives) {
                let mut changed = batch[..self.model.arity()].to_vec();
                changed.extend(targets.iter().map(|rows| rows.slice(range.clone())));
                other.inspect(start, &changed)?;
                rows.push(self.losses_along(changed, along.clone())?);
            }
            parts.push(Tensor::stack::<2>(rows, 0));
            start = range.end;
        }
        let found = Tensor::cat(parts, 1);
        if self.is_sound(&found)? {
            return Ok(found);
        }
        // Whichever alternative it is says why.
        for other in others {
            other.directional_derivatives(v.clone())?;
        }
        Err(CurvatureError::NotFinite {
            what: "the derivatives with other targets",
            cause: Cause::Overflow {
                dtype: self.model.dtype(),
            },
        })
    }

    /// The derivatives of the losses of a batch along tangents of its outputs, `[batch]`.
    fn losses_along(
        &self,
        batch: Batch,
        along: [DispatchTensor; 2],
    ) -> Result<Tensor<1>, CurvatureError> {
        let mut arguments = self.arguments(batch, Vec::new());
        arguments.extend(along);
        let program = self
            .programs
            .get(BatchFunction::LOSSES_ALONG, self.parts(), &arguments)?;
        Ok(Tensor::from_dispatch(
            program.run(arguments)?.swap_remove(0),
        ))
    }
}
