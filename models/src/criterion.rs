//! From an objective's name to the loss that curvature is of too, and its targets.

use std::ops::Range;
use std::sync::Arc;

use backdraft_curvature::{
    AnyLoss, BinaryCrossEntropy, CrossEntropy, IntoRows, Rows, SquaredError, TokenCrossEntropy,
};
use burn::tensor::{Int, Shape, Tensor, TensorCreationOptions};

use crate::data::{Split, Targets};
use crate::objective::Objective;

impl Objective {
    /// The loss, for targets like those of `split`.
    pub fn loss(self, split: &Split) -> Arc<dyn AnyLoss> {
        match self {
            Self::CrossEntropy if of_tokens(split) => Arc::new(TokenCrossEntropy::default()),
            Self::CrossEntropy => Arc::new(CrossEntropy),
            Self::SquaredError => Arc::new(SquaredError),
            Self::BinaryCrossEntropyWithLogits | Self::Reconstruction => {
                Arc::new(BinaryCrossEntropy)
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
        match self {
            Self::CrossEntropy if of_tokens(split) => {
                split.next_tokens(&options.into().device).rows()
            }
            Self::CrossEntropy => split.classes(&options.into().device).rows(),
            Self::Reconstruction => split.inputs(options).rows(),
            Self::BinaryCrossEntropyWithLogits | Self::SquaredError => split.values(options).rows(),
        }
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
