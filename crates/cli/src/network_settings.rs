//! What decides a network: its data, its shape and its training, or the file of its weights.

use backdraft_models::{Architecture, TrainConfig, ZooConfig};
use serde::Serialize;

use super::{args::RunArgs, fingerprint::fingerprint, inputs::Inputs, preparation::Preparation};
use backdraft_report::WeightsFile;

/// What every command that asks about a network is asked: everything that decides the network, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NetworkSettings<'a> {
    model: Architecture,
    data: String,
    target: Option<&'a str>,
    #[serde(flatten)]
    reading: Preparation,
    corrupt_labels: Option<f64>,
    network: &'a ZooConfig,
    /// None if the weights are from a file, or the initial ones.
    training: Option<&'a TrainConfig>,
    weights: Option<&'a WeightsFile>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    only: &'a [String],
    device: &'static str,
    seed: u64,
    /// Whether activations are computed again, which rounds products with several vectors otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    recompute: bool,
    /// Of the data, so that a file that has changed is noticed.
    fingerprint: String,
}

impl<'a> NetworkSettings<'a> {
    /// Of one that is not trained: with its initial parameters, or those of a file.
    pub fn untrained(run: &'a RunArgs, inputs: &'a Inputs, config: &'a TrainConfig) -> Self {
        Self {
            training: None,
            ..Self::of(run, inputs, config)
        }
    }

    pub fn of(run: &'a RunArgs, inputs: &'a Inputs, config: &'a TrainConfig) -> Self {
        let weights = inputs.loaded.as_ref().map(|loaded| &loaded.file);
        Self {
            model: inputs.kind,
            data: run.data.path.display().to_string(),
            target: run.data.target.as_deref(),
            reading: Preparation::of(&inputs.dataset),
            corrupt_labels: run.corrupt_labels,
            network: &inputs.network,
            training: weights.is_none().then_some(config),
            weights,
            only: &inputs.only,
            device: inputs.opened.name,
            seed: run.compute.seed,
            recompute: run.recompute,
            fingerprint: fingerprint(&inputs.dataset),
        }
    }
}
