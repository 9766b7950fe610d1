//! What a run of `audit` was asked.

use std::num::NonZeroUsize;

use backdraft::attribution::AuditBy;
use backdraft_models::TrainConfig;
use serde::Serialize;

use super::corrections::Corrections;
use crate::{
    args::{Audit, Damping},
    inputs::Inputs,
    network_settings::NetworkSettings,
    words::places,
};

/// Everything that decides the audit, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct AuditSettings<'a> {
    #[serde(flatten)]
    network: NetworkSettings<'a>,
    by: AuditBy,
    top: usize,
    damping: &'a Damping,
    /// Examples that are looked at together, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<NonZeroUsize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<&'a Corrections>,
    /// How the network of a file is trained on for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix_training: Option<&'a TrainConfig>,
}

impl<'a> AuditSettings<'a> {
    pub fn of(
        args: &'a Audit,
        inputs: &'a Inputs,
        fix: Option<&'a Corrections>,
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        Self {
            network: NetworkSettings::of(&args.run, inputs, config),
            by: args.by(places(&inputs.dataset.train).is_some()),
            top: args.top.get(),
            damping,
            block: args.block,
            fix,
            fix_training: (fix.is_some() && inputs.loaded.is_some()).then_some(config),
        }
    }
}
