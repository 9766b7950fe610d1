//! The cost that L-BFGS minimises, as a function of a flat vector.

use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorReadError};

use super::config::TrainConfig;
use super::examples::TrainExamples;
use crate::data::Split;
use crate::named_tensor::{replace, tensors, with_gradients};
use crate::network::{Network, placement};
use crate::objective::Objective;

/// The cost of a model: the mean loss over all examples plus the L2 term.
pub(super) struct TrainCost<M> {
    model: M,
    examples: TrainExamples,
    batch_size: usize,
    weight_decay: f64,
}

/// The cost at some parameters.
pub(super) struct CostValue {
    /// Mean loss.
    pub(super) loss: f64,
    /// Mean loss plus the L2 term.
    pub(super) cost: f64,
    /// The cost's gradient, `[dim]`.
    pub(super) gradient: Tensor<1>,
}

impl<M: Network> TrainCost<M> {
    /// The cost of `model` on a split, in batches of the config's size.
    pub(super) fn new(model: M, split: &Split, objective: Objective, config: &TrainConfig) -> Self {
        let (device, dtype) = placement(&model);
        Self {
            model: model.train(),
            examples: TrainExamples::new(split, objective, (&device, dtype)),
            batch_size: config.batch_size,
            weight_decay: config.weight_decay,
        }
    }

    /// The model's parameters, `[dim]`.
    pub(super) fn parameters(&self) -> Tensor<1> {
        let all = tensors(&self.model).into_iter();
        let trainable = all.filter(|tensor| tensor.trainable);
        Tensor::cat(trainable.map(|tensor| tensor.value).collect(), 0)
    }

    /// The model at other parameters, with autodiff.
    pub(super) fn model_at(&self, theta: &Tensor<1>) -> M {
        let mut start = 0;
        replace(self.model.clone(), |tensor| {
            let end = start + tensor.shape.num_elements();
            tensor.trainable.then(|| {
                let part = theta.clone().slice(start..end);
                start = end;
                part
            })
        })
    }

    /// Cost and gradient at `theta`.
    pub(super) fn at(&self, theta: &Tensor<1>) -> Result<CostValue, TensorReadError> {
        let model = self.model_at(theta);
        let rows = self.examples.rows();
        let mut gradient = theta.clone() * self.weight_decay;
        let mut total = 0.0;
        for start in (0..rows).step_by(self.batch_size) {
            let range = start..(start + self.batch_size).min(rows);
            let losses = self.examples.losses_of_range(&model, range);
            // Not divided: the backward pass of Burn 0.22's division by a number rounds it to 32 bits.
            let part = (losses.clone().sum() * (1.0 / rows as f64)).backward();
            let part = with_gradients(&model, GradientsParams::from_grads(part, &model));
            let part = part.into_iter().map(|(_, gradient)| gradient);
            gradient = gradient + Tensor::cat(part.collect(), 0);
            // Summed in 64 bits, because the line search compares costs that differ little.
            total += losses.inner().try_into_vec_as::<f64>()?.iter().sum::<f64>();
        }
        let loss = total / rows as f64;
        let square: f64 = theta.clone().square().sum().try_into_scalar()?;
        Ok(CostValue {
            loss,
            cost: loss + 0.5 * self.weight_decay * square,
            gradient,
        })
    }
}
