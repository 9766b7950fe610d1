//! Why training failed.

use super::checkpoint_error::CheckpointError;
use crate::number::brief;

/// Why training failed, in one line that says what to do.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// A setting is out of range.
    #[error("{setting} = {}: must be {allowed}", brief(*.value))]
    Config {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// What it may be.
        allowed: &'static str,
    },
    /// There is nothing to train on.
    #[error("there is no example to train on; give at least one")]
    NoExamples,
    /// The loss is not finite, or grew beyond reason.
    #[error("training diverged in epoch {epoch}, step {step}: the loss is {loss:.3e}; {remedy}")]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The step since the start of training, from 1.
        step: usize,
        /// The loss.
        loss: f64,
        /// What to try.
        remedy: String,
    },
    /// L-BFGS was asked to go by batches.
    #[error(
        "L-BFGS works on all examples at once and does not stop between steps; choose SGD or Adam, or use `train`"
    )]
    WholeData,
    /// Training could not be taken up where it stood.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device failed, for want of memory perhaps.
    #[error(
        "the device failed with up to {examples} examples differentiated at once: {reason}. Fewer need less memory: \
         `Training::with_parts`"
    )]
    Device {
        /// Most examples that were differentiated at once.
        examples: usize,
        /// What it says.
        reason: String,
    },
    /// L-BFGS did not reach its tolerance.
    #[error(
        "L-BFGS stopped after {evaluations} evaluations with a gradient of norm {gradient_norm:.3e}, above the \
         tolerance {tolerance:.3e}; {remedy}"
    )]
    NotConverged {
        /// Evaluations of the cost and its gradient.
        evaluations: usize,
        /// Norm of the gradient it ended with.
        gradient_norm: f64,
        /// Norm it should have reached.
        tolerance: f64,
        /// What to try.
        remedy: String,
    },
}
