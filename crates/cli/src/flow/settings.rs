//! What a run of `flow` was asked.

use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{args::Flow, groups::WeightGroup, inputs::Inputs, network_settings::NetworkSettings};

/// Everything that decides the flows, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct FlowSettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    remove: &'a [usize],
    groups: &'a [WeightGroup],
    times: Vec<f64>,
    switches: Vec<f64>,
    eps: &'a [f64],
    l2: f64,
    tolerance: f64,
    max_steps: usize,
}

impl<'a> FlowSettings<'a> {
    pub fn of(
        args: &'a Flow,
        inputs: &'a Inputs,
        config: &'a TrainConfig,
        groups: &'a [WeightGroup],
    ) -> Self {
        Self {
            network: NetworkSettings::untrained(&args.run, inputs, config),
            remove: &args.remove,
            groups,
            times: args.ends(),
            switches: args.switches(),
            eps: &args.eps,
            l2: args.l2,
            tolerance: args.tolerance,
            max_steps: args.max_steps,
        }
    }
}
