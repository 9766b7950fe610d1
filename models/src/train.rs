//! Training, step by step, that can be stored and taken up again.

mod checkpoint;
mod config;
mod cost;
mod error;
mod examples;
mod lbfgs;
mod optimizer;
mod order;
mod training;

pub use checkpoint::{Checkpoint, CheckpointError, TrainState, numbers, with_numbers};
pub use config::{Optimizer, Schedule, TrainConfig};
pub use error::TrainError;
pub use training::Training;

use crate::data::Split;
use crate::network::Network;
use crate::objective::Objective;

/// Where training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Passes over the data completed or begun, from 1.
    pub epoch: usize,
    /// Passes there will be, at most.
    pub epochs: usize,
    /// Steps made; for L-BFGS, evaluations of the cost and its gradient.
    pub step: usize,
    /// Steps there will be, at most.
    pub steps: usize,
    /// Mean loss, without the L2 term, over the steps since the last report; for L-BFGS, at the last point tried.
    pub loss: f64,
    /// Norm of the cost's gradient at the last point tried, for L-BFGS.
    pub gradient_norm: Option<f64>,
}

/// A trained model.
#[derive(Clone, Debug)]
pub struct Trained<M> {
    /// The model, without autodiff, on the device and in the element type that it came with.
    pub model: M,
    /// Mean loss, without the L2 term, in each pass over the data; for L-BFGS, at each evaluation.
    pub history: Vec<f64>,
    /// Norm of the cost's gradient that L-BFGS ended with, before the model was rounded to its own type.
    pub gradient_norm: Option<f64>,
}

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
    mut on_progress: impl FnMut(&Progress),
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
