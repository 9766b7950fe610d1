//! What a run of `perturb` was asked.

use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Damping, Perturb},
    inputs::Inputs,
    queries::QueryRows,
    system_settings::SystemSettings,
};

/// Everything that decides the predictions, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PerturbSettings<'a> {
    #[serde(flatten)]
    systems: SystemSettings<'a>,
    #[serde(flatten)]
    changes: ChangeSettings,
    verify: usize,
    retrain: usize,
}

/// Which changes are looked for.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct ChangeSettings {
    goal: &'static str,
    size: f64,
    norm: &'static str,
    clip: bool,
    target_step: Option<f64>,
    changes: usize,
}

impl ChangeSettings {
    pub fn of(args: &Perturb) -> Self {
        Self {
            goal: args.goal.name(),
            size: args.size,
            norm: args.norm.name(),
            clip: args.clip,
            target_step: args.target_step,
            changes: args.changes.get(),
        }
    }
}

impl<'a> PerturbSettings<'a> {
    pub fn of(
        args: &'a Perturb,
        inputs: &'a Inputs,
        queries: Option<&'a QueryRows>,
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        let asked = (&args.run, &args.solving(), queries);
        Self {
            systems: SystemSettings::of(asked, inputs, config, damping),
            changes: ChangeSettings::of(args),
            verify: args.verify,
            retrain: args.retrain,
        }
    }
}
