//! The losses that the zoo is trained with.

use std::ops::Range;

use burn::tensor::{Int, Tensor, TensorCreationOptions};
use serde::{Deserialize, Serialize};

use crate::data::{Split, Targets};
use crate::likelihood::{log_sigmoid, log_softmax};

/// The loss of one example; training minimises its mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// `-log softmax(outputs)[class]`, in nats; the mean over all places for a sequence of tokens.
    CrossEntropy,
    /// `-log sigmoid(output)` for class 1 and `-log sigmoid(-output)` for class 0, in nats.
    BinaryCrossEntropyWithLogits,
    /// `1/2 ||outputs - target||^2`.
    SquaredError,
    /// How badly the outputs, as logits, tell the inputs, which lie between 0 and 1: the binary cross-entropy summed
    /// over them, in nats.
    Reconstruction,
}

/// Targets on a device, in the form that an [`Objective`] needs.
#[derive(Clone, Debug)]
pub enum TargetTensor {
    /// Class indices `[batch]`.
    Classes(Tensor<1, Int>),
    /// Numbers `[batch, outputs]`: one for a regression, 0 or 1 for the two classes of a binary task.
    Values(Tensor<2>),
    /// The token at each place `[batch, length]`.
    Tokens(Tensor<2, Int>),
}

impl Objective {
    /// The targets of a split; `options` is a device, or `(&device, dtype)` with the model's element type.
    ///
    /// # Panics
    ///
    /// If the cross-entropy is asked of targets that are not classes.
    pub fn targets(self, split: &Split, options: impl Into<TensorCreationOptions>) -> TargetTensor {
        let options = options.into();
        match self {
            Self::CrossEntropy if matches!(split.targets, Targets::Tokens { .. }) => {
                TargetTensor::Tokens(split.next_tokens(&options.device))
            }
            Self::CrossEntropy => TargetTensor::Classes(split.classes(&options.device)),
            Self::Reconstruction => TargetTensor::Values(split.inputs(options)),
            Self::BinaryCrossEntropyWithLogits | Self::SquaredError => {
                TargetTensor::Values(split.values(options))
            }
        }
    }

    /// The loss of each example `[batch]`, from a model's outputs `[batch, outputs]`.
    ///
    /// # Panics
    ///
    /// If the targets are not of this objective's kind, or the outputs have not one row for each target, or
    /// not one column for each number of a target.
    pub fn losses(self, outputs: Tensor<2>, targets: TargetTensor) -> Tensor<1> {
        if let TargetTensor::Values(values) = &targets {
            // Broadcasting would make something of any other shape.
            assert_eq!(
                outputs.dims(),
                values.dims(),
                "outputs and targets differ in shape"
            );
        }
        let losses = match (self, targets) {
            (Self::CrossEntropy, TargetTensor::Classes(classes)) => log_softmax(outputs)
                .gather(1, classes.unsqueeze_dim(1))
                .neg(),
            (Self::CrossEntropy, TargetTensor::Tokens(tokens)) => {
                let [batch, length] = tokens.dims();
                let vocabulary = outputs.dims()[1] / length;
                let logits = outputs.reshape([batch, length, vocabulary]);
                let right = log_softmax(logits).gather(2, tokens.unsqueeze_dim(2));
                right.reshape([batch, length]).mean_dim(1).neg()
            }
            // With s = 2t - 1 = ±1 one stable function serves both classes.
            (Self::BinaryCrossEntropyWithLogits, TargetTensor::Values(values)) => {
                log_sigmoid(outputs * (values * 2.0 - 1.0)).neg()
            }
            (Self::SquaredError, TargetTensor::Values(values)) => {
                (outputs - values).square().sum_dim(1) * 0.5
            }
            (Self::Reconstruction, TargetTensor::Values(pixels)) => {
                let (log_p, log_q) = (log_sigmoid(outputs.clone()), log_sigmoid(-outputs));
                let likelihood = pixels.clone() * log_p + (-pixels + 1.0) * log_q;
                -likelihood.sum_dim(1)
            }
            (objective, targets) => panic!("{objective:?} cannot be taken of {targets:?}"),
        };
        losses.squeeze_dim(1)
    }
}

impl TargetTensor {
    /// The targets of the given examples, in the given order.
    pub fn select(&self, examples: Tensor<1, Int>) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(classes.clone().select(0, examples)),
            Self::Values(values) => Self::Values(values.clone().select(0, examples)),
            Self::Tokens(tokens) => Self::Tokens(tokens.clone().select(0, examples)),
        }
    }

    /// The targets of a range of examples.
    pub fn slice(&self, range: Range<usize>) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(classes.clone().slice([range])),
            Self::Values(values) => Self::Values(values.clone().slice([range])),
            Self::Tokens(tokens) => Self::Tokens(tokens.clone().slice([range])),
        }
    }
}
