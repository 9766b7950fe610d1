//! What a run of `explain` was asked.

use backdraft_models::{Model, TrainConfig, ZooConfig};
use serde::Serialize;

use crate::{
    args::{Explain, SolverName},
    reading::Reading,
    solve::{DEPTH, REPEATS},
};
use backdraft_report::WeightsFile;

/// Everything that decides the scores, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Asked<'a> {
    pub model: Model,
    pub data: String,
    pub target: Option<&'a str>,
    #[serde(flatten)]
    pub reading: Reading,
    pub corrupt_labels: Option<f64>,
    pub network: &'a ZooConfig,
    /// None if the weights are from a file.
    pub training: Option<&'a TrainConfig>,
    pub weights: Option<&'a WeightsFile>,
    /// None for those with the highest loss.
    pub queries: Option<&'a [usize]>,
    pub damping: f64,
    pub solver: &'static str,
    pub tolerance: Option<f64>,
    pub lissa: Option<Lissa>,
    pub precision: &'static str,
    pub products: &'static str,
    pub device: &'static str,
    pub seed: u64,
    /// Of the data, so that a file that has changed is noticed.
    pub fingerprint: String,
}

/// LiSSA's settings; without a scale it is found.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Lissa {
    depth: usize,
    repeats: usize,
    scale: Option<f64>,
}

impl Lissa {
    /// Of a run that is solved by it.
    pub fn of(args: &Explain) -> Option<Self> {
        (args.solver == SolverName::Lissa).then_some(Self {
            depth: args.depth.unwrap_or(DEPTH),
            repeats: args.repeats.unwrap_or(REPEATS),
            scale: args.scale,
        })
    }
}
