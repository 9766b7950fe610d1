//! From an objective of the zoo to a loss with curvature.

use backdraft_curvature::{
    BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, TokenCrossEntropy,
};
use backdraft_models::{
    Objective,
    data::{Split, Targets},
};
use burn::tensor::{DType, Device};

/// The targets of a split on a device, for a loss.
pub(crate) type TargetsOf<L> = fn(&Split, &Device, DType) -> <L as Loss>::Targets;

/// Work that any loss can be given to.
pub(crate) trait WithLoss {
    /// What comes of it.
    type Out;

    /// Does it.
    fn run<L: Loss>(self, loss: L, targets: TargetsOf<L>) -> Self::Out;
}

/// Does `work` with the loss of `objective` on targets like those of `split`.
pub(crate) fn with_loss<W: WithLoss>(objective: Objective, split: &Split, work: W) -> W::Out {
    match objective {
        Objective::Reconstruction => work.run(BinaryCrossEntropy, |split, device, dtype| {
            split.inputs((device, dtype))
        }),
        Objective::BinaryCrossEntropyWithLogits => work
            .run(BinaryCrossEntropy, |split, device, dtype| {
                split.values((device, dtype))
            }),
        Objective::SquaredError => work.run(SquaredError, |split, device, dtype| {
            split.values((device, dtype))
        }),
        Objective::CrossEntropy if matches!(split.targets, Targets::Tokens { .. }) => work
            .run(TokenCrossEntropy::default(), |split, device, _| {
                split.next_tokens(device)
            }),
        Objective::CrossEntropy => work.run(CrossEntropy, |split, device, _| split.classes(device)),
    }
}
