//! What a run of `path` was asked.

use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Damping, FollowPaths},
    groups::WeightGroup,
    inputs::Inputs,
    network_settings::NetworkSettings,
    queries::QueryRows,
};

/// Everything that decides the paths, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PathSettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    /// None for the one that matters most to the first query.
    groups: &'a [WeightGroup],
    /// None for those with the highest loss.
    queries: Option<&'a QueryRows>,
    damping: &'a Damping,
    #[serde(flatten)]
    way: WaySettings,
}

/// How paths are followed, and of what they are minima.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct WaySettings {
    objective: &'static str,
    l2: Option<f64>,
    steps: usize,
    tolerance: Option<f64>,
    shortest: f64,
    path_solver: Option<&'static str>,
}

impl WaySettings {
    pub fn of(args: &FollowPaths, inputs: &Inputs) -> Self {
        Self {
            objective: args.objective(inputs.kind).name(),
            l2: args.l2,
            steps: args.steps,
            tolerance: args.tolerance,
            shortest: args.shortest,
            path_solver: args.solver.map(|it| it.name()),
        }
    }
}

impl<'a> PathSettings<'a> {
    pub fn of(
        args: &'a FollowPaths,
        inputs: &'a Inputs,
        (queries, groups): (Option<&'a QueryRows>, &'a [WeightGroup]),
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        Self {
            network: NetworkSettings::of(&args.run, inputs, config),
            groups,
            queries,
            damping,
            way: WaySettings::of(args, inputs),
        }
    }
}
