//! From an objective's name to the loss that curvature is of too, and its targets.

use std::ops::Range;
use std::sync::Arc;

use backdraft_curvature::{
    AnyLoss, BinaryCrossEntropy, CrossEntropy, Huber, IntoRows, Loss, Poisson, Rows, SquaredError,
    TokenCrossEntropy, Weighted,
};
use burn::tensor::{Int, Shape, Tensor, TensorCreationOptions, TensorData};

use crate::data::{Split, Targets};
use crate::objective::Objective;

impl Objective {
    /// The loss, for targets and weights like those of `split`.
    pub fn loss(self, split: &Split) -> Arc<dyn AnyLoss> {
        match self {
            Self::CrossEntropy if of_tokens(split) => loss(TokenCrossEntropy::default(), split),
            Self::CrossEntropy => loss(CrossEntropy, split),
            Self::SquaredError => loss(SquaredError, split),
            Self::Huber { delta } => loss(Huber { delta }, split),
            Self::Poisson => loss(Poisson, split),
            Self::BinaryCrossEntropyWithLogits | Self::Reconstruction => {
                loss(BinaryCrossEntropy, split)
            }
        }
    }

    /// What the loss compares outputs for a split with; `options` is a device, or `(&device, dtype)` with the model's
    /// element type.
    ///
    /// # Panics
    ///
    /// If the cross-entropy is asked of targets that are not classes.
    pub fn targets(self, split: &Split, options: impl Into<TensorCreationOptions>) -> Vec<Rows> {
        let options = options.into();
        let mut targets = match self {
            Self::CrossEntropy if of_tokens(split) => split.next_tokens(&options.device).rows(),
            Self::CrossEntropy => split.classes(&options.device).rows(),
            Self::Reconstruction => split.inputs(options.clone()).rows(),
            Self::BinaryCrossEntropyWithLogits
            | Self::SquaredError
            | Self::Huber { .. }
            | Self::Poisson => split.values(options.clone()).rows(),
        };
        if let Some(weights) = &split.weights {
            let weights = TensorData::new(weights.clone(), [weights.len()]);
            targets.extend(Tensor::<1>::from_data(weights, options).rows());
        }
        targets
    }
}

/// A loss, times the weight of each example if the split has them.
fn loss(of: impl Loss, split: &Split) -> Arc<dyn AnyLoss> {
    match split.weights {
        Some(_) => Arc::new(Weighted(of)),
        None => Arc::new(of),
    }
}

fn of_tokens(split: &Split) -> bool {
    matches!(split.targets, Targets::Tokens { .. })
}

/// A loss with the targets of a split.
pub(crate) struct Criterion {
    loss: Arc<dyn AnyLoss>,
    targets: Vec<Rows>,
}

impl Criterion {
    /// # Panics
    ///
    /// As [`Objective::targets`].
    pub(crate) fn new(
        objective: Objective,
        split: &Split,
        options: impl Into<TensorCreationOptions>,
    ) -> Self {
        Self {
            loss: objective.loss(split),
            targets: objective.targets(split, options),
        }
    }

    /// The losses `[batch]` of `examples`, from a model's outputs for them `[batch, outputs]`.
    ///
    /// # Panics
    ///
    /// If these outputs do not belong to the targets.
    pub(crate) fn of(&self, outputs: Tensor<2>, examples: &Tensor<1, Int>) -> Tensor<1> {
        let pick = |rows: &Rows| rows.pick(examples.clone());
        self.losses(outputs, self.targets.iter().map(pick).collect())
    }

    /// The same for a range of examples.
    ///
    /// # Panics
    ///
    /// As [`of`](Self::of).
    pub(crate) fn of_range(&self, outputs: Tensor<2>, range: Range<usize>) -> Tensor<1> {
        let slice = |rows: &Rows| rows.slice(range.clone());
        self.losses(outputs, self.targets.iter().map(slice).collect())
    }

    fn losses(&self, outputs: Tensor<2>, targets: Vec<Rows>) -> Tensor<1> {
        let shapes: Vec<Shape> = targets.iter().map(Rows::shape).collect();
        if let Err(expected) = self.loss.fits(&outputs.shape(), &shapes) {
            panic!(
                "outputs {} do not fit the targets: {expected}",
                outputs.shape()
            );
        }
        self.loss.losses(outputs, &targets)
    }
}
