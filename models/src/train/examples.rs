//! The training examples on their device.

use std::ops::Range;

use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use crate::criterion::Criterion;
use crate::data::Split;
use crate::network::Network;
use crate::objective::Objective;

/// The examples that a model is trained on, on its device.
pub(super) struct TrainExamples {
    inputs: Tensor<2>,
    criterion: Criterion,
    rows: usize,
    /// Factors on their losses, if not all 1.
    weights: Option<Tensor<1>>,
}

impl TrainExamples {
    pub(super) fn new(split: &Split, objective: Objective, place: (&Device, DType)) -> Self {
        Self {
            inputs: split.inputs(place),
            criterion: Criterion::new(objective, split, place),
            rows: split.rows,
            weights: None,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Puts factors on the losses.
    ///
    /// # Panics
    ///
    /// If there are not as many as examples.
    pub(super) fn weigh(&mut self, weights: &[f64]) {
        assert_eq!(
            weights.len(),
            self.rows,
            "a weight for each example is needed"
        );
        let weights = TensorData::new(weights.to_vec(), [weights.len()]);
        let place = (&self.inputs.device(), self.inputs.dtype());
        self.weights = Some(Tensor::from_data(weights, place));
    }

    /// The losses of `examples`, weighted; `lift` makes the weights a tensor of the model's kind.
    pub(super) fn losses<M: Network>(
        &self,
        model: &M,
        examples: &[i64],
        lift: impl Fn(Tensor<1>) -> Tensor<1>,
    ) -> Tensor<1> {
        let indices = TensorData::new(examples.to_vec(), [examples.len()]);
        let indices = Tensor::<1, Int>::from_data(indices, &self.inputs.device());
        let inputs = self.inputs.clone().select(0, indices.clone());
        let losses = self.criterion.of(model.forward(inputs), &indices);
        match &self.weights {
            Some(weights) => losses * lift(weights.clone().select(0, indices)),
            None => losses,
        }
    }

    /// The mean loss of a batch, weighted, and its gradients, for at most `part` examples at once.
    pub(super) fn mean_loss<M: Network>(
        &self,
        model: &M,
        batch: &[i64],
        part: usize,
    ) -> (Tensor<1>, GradientsParams) {
        let differentiated = |loss: Tensor<1>| {
            let gradients = GradientsParams::from_grads(loss.backward(), model);
            (loss.inner(), gradients)
        };
        if batch.len() <= part {
            return differentiated(self.losses(model, batch, Tensor::from_inner).mean());
        }
        let mut sum = GradientsAccumulator::new();
        let parts = batch.chunks(part).map(|part| {
            let losses = self.losses(model, part, Tensor::from_inner);
            let (loss, gradients) = differentiated(losses.sum() / batch.len() as f64);
            sum.accumulate(model, gradients);
            loss
        });
        let loss = parts.reduce(|total, loss| total + loss);
        (loss.expect("a batch has examples"), sum.grads())
    }

    /// The losses of a range of examples, not weighted.
    pub(super) fn losses_of_range<M: Network>(&self, model: &M, range: Range<usize>) -> Tensor<1> {
        let inputs = self.inputs.clone().slice([range.clone()]);
        self.criterion.of_range(model.forward(inputs), range)
    }

    /// The mean loss of outputs of 0, of the model's width.
    pub(super) fn unanswered<M: Network>(&self, model: &M, batch: usize) -> f64 {
        let one = model.forward(self.inputs.clone().slice(0..1));
        let width = one.dims()[1];
        let losses = (0..self.rows).step_by(batch).map(|start| {
            let range = start..(start + batch).min(self.rows);
            let outputs = Tensor::zeros([range.len(), width], (&one.device(), one.dtype()));
            let losses = self.criterion.of_range(outputs, range);
            losses.sum().into_scalar::<f64>()
        });
        losses.sum::<f64>() / self.rows as f64
    }
}
