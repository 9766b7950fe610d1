//! Training, step by step, that can be stored and taken up again.

mod checkpoint;
mod checkpoint_error;
mod config;
mod cost;
mod error;
mod examples;
mod lbfgs;
mod loss_history;
mod optimizer;
mod order;
mod progress;
mod trained;
mod training;

pub use checkpoint::{Checkpoint, TrainState, numbers, with_numbers};
pub use checkpoint_error::CheckpointError;
pub use config::{Optimizer, Schedule, TrainConfig};
pub use error::TrainError;
pub use progress::TrainProgress;
pub use trained::Trained;
pub use training::Training;

use crate::data::Split;
use crate::network::Network;
use crate::objective::Objective;

/// Trains a model: minimises over all parameters theta
///
/// ```text
/// J(theta) = 1/N sum_i loss_i(theta) + weight_decay/2 ||theta||^2
/// ```
///
/// Biases are in theta. SGD and Adam run all epochs, over batches shuffled by ChaCha8 from the config's seed;
/// L-BFGS runs until the norm of the gradient is below its tolerance. The same model, data, config and device
/// give the same bits. `on_progress` is called every few steps. [`Training`] does the same step by step, and can be
/// stored.
///
/// # Errors
///
/// [`TrainError::Config`] for a setting out of range, [`TrainError::NoExamples`] for an empty split,
/// [`TrainError::Diverged`] if the loss is not finite, grows beyond reason or ends higher than it began, and
/// [`TrainError::NotConverged`] if L-BFGS runs out of epochs or of precision.
///
/// # Panics
///
/// If the model's outputs or the split's targets are not of the objective's kind.
pub fn train<M: Network>(
    model: M,
    split: &Split,
    objective: Objective,
    config: &TrainConfig,
    mut on_progress: impl FnMut(&TrainProgress),
) -> Result<Trained<M>, TrainError> {
    config.check()?;
    if split.rows == 0 {
        return Err(TrainError::NoExamples);
    }
    if let Optimizer::Lbfgs { tolerance } = config.optimizer {
        return lbfgs::minimise(model, split, objective, config, tolerance, on_progress);
    }
    let mut training = Training::new(model, split, objective, config)?;
    while let Some(progress) = training.advance()? {
        on_progress(&progress);
    }
    Ok(training.finish())
}
