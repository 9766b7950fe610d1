//! From an objective of the zoo to a loss with curvature.

use std::sync::Arc;

use backdraft_curvature::{
    AnyLoss, BinaryCrossEntropy, CrossEntropy, IntoRows, Rows, SquaredError, TokenCrossEntropy,
};
use backdraft_models::{
    Objective,
    data::{Split, Targets},
};
use burn::tensor::{DType, Device};

/// A loss, and what it compares outputs with.
#[derive(Clone)]
pub struct LossOf {
    /// The loss.
    pub loss: Arc<dyn AnyLoss>,
    /// The targets of a split on a device.
    pub targets: fn(&Split, &Device, DType) -> Vec<Rows>,
}

impl LossOf {
    /// That of `objective`, for targets like those of `split`.
    pub fn objective(objective: Objective, split: &Split) -> Self {
        match objective {
            Objective::Reconstruction => Self {
                loss: Arc::new(BinaryCrossEntropy),
                targets: |split, device, dtype| split.inputs((device, dtype)).rows(),
            },
            Objective::BinaryCrossEntropyWithLogits => Self {
                loss: Arc::new(BinaryCrossEntropy),
                targets: |split, device, dtype| split.values((device, dtype)).rows(),
            },
            Objective::SquaredError => Self {
                loss: Arc::new(SquaredError),
                targets: |split, device, dtype| split.values((device, dtype)).rows(),
            },
            Objective::CrossEntropy if matches!(split.targets, Targets::Tokens { .. }) => Self {
                loss: Arc::new(TokenCrossEntropy::default()),
                targets: |split, device, _| split.next_tokens(device).rows(),
            },
            Objective::CrossEntropy => Self {
                loss: Arc::new(CrossEntropy),
                targets: |split, device, _| split.classes(device).rows(),
            },
        }
    }
}
