//! What `explain` and `train` share: a network for some data, trained or taken from a file.

use clap::Args;

use super::{
    ComputeArgs, DataArgs, FolderArgs, ModelArgs,
    number::{seconds, share},
};
use crate::weights::WeightsArgs;

/// A network for some data.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub data: DataArgs,

    /// Make the labels of this share of the training examples wrong, to see what becomes of them: from 0 to 1. Which
    /// ones, and their true labels, are written beside the results.
    #[arg(long, value_name = "FRACTION", value_parser = share, allow_hyphen_values = true)]
    pub corrupt_labels: Option<f64>,

    #[command(flatten)]
    pub weights: WeightsArgs,

    #[command(flatten)]
    pub compute: ComputeArgs,

    /// Compute a network's activations again in the reverse pass rather than keep them for it, where memory is what
    /// lacks (gradient checkpointing). Products take one more forward pass at most; those with several vectors are made
    /// one after another, which rounds otherwise. Training goes as it does without.
    #[arg(long)]
    pub recompute: bool,

    #[command(flatten)]
    pub folder: FolderArgs,

    /// Seconds between checkpoints of the training: what is lost at most when it is stopped.
    #[arg(long, value_name = "S", default_value_t = 30.0, value_parser = seconds, allow_hyphen_values = true)]
    pub checkpoint_every: f64,
}

impl RunArgs {
    /// The option that gives the network's weights, if they are from a file.
    pub fn weights_option(&self) -> Option<&'static str> {
        let weights = self.weights.is_given().then_some("--weights");
        weights.or(self.model.onnx.is_some().then_some("--onnx"))
    }
}
