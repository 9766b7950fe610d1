//! What a training is asked to do, which `train.json` keeps, and its measurements in words.

use backdraft_models::{Architecture, Metrics, Preset, TrainConfig, ZooConfig};
use serde::Serialize;

use crate::preparation::Preparation;
use backdraft_report::{WeightsFile, short};

/// Everything that decides the weights that training ends with, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TrainSettings<'a> {
    pub model: Architecture,
    pub data: &'a str,
    pub target: Option<&'a str>,
    #[serde(flatten)]
    pub reading: Preparation,
    pub preset: Preset,
    pub network: &'a ZooConfig,
    pub training: &'a TrainConfig,
    pub device: &'static str,
    pub seed: u64,
    pub corrupt_labels: Option<f64>,
    /// Where the weights came from that training began with.
    pub weights: Option<&'a WeightsFile>,
    /// Of the data, so that a file that has changed is noticed.
    pub fingerprint: String,
}

/// A measurement in words, what matters most first.
pub(super) fn shown(metrics: &Metrics) -> String {
    let loss = format!("loss {}", short(metrics.loss));
    match brief(metrics) {
        Some(measure) => format!("{measure}, {loss}"),
        None => loss,
    }
}

/// What matters most of a measurement, if that is not the loss.
pub(super) fn brief(metrics: &Metrics) -> Option<String> {
    let accuracy = metrics
        .accuracy
        .map(|x| format!("accuracy {:.2}%", 100.0 * x));
    let r2 = || metrics.r2.map(|x| format!("R2 {x:.4}"));
    let perplexity = || metrics.perplexity.map(|x| format!("perplexity {x:.1}"));
    accuracy.or_else(r2).or_else(perplexity)
}
