//! What a run of `explain` was asked.

use backdraft::attribution::Digest;
use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Damping, Explain, MeasureName},
    groups::WeightGroup,
    inputs::Inputs,
    queries::QueryRows,
    system_settings::SystemSettings,
};

/// Everything that decides the scores, but for the machine.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ScoreSettings<'a> {
    #[serde(flatten)]
    systems: SystemSettings<'a>,
    /// None for the loss.
    #[serde(skip_serializing_if = "Option::is_none")]
    measure: Option<MeasureName>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_influence: bool,
    /// A digest of the groups whose weights are changed, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<String>,
    newton: &'static str,
}

impl<'a> ScoreSettings<'a> {
    pub fn of(
        args: &'a Explain,
        inputs: &'a Inputs,
        (queries, groups): (Option<&'a QueryRows>, &[WeightGroup]),
        config: &'a TrainConfig,
        damping: &'a Damping,
    ) -> Self {
        let asked = (&args.run, &args.solving(), queries);
        Self {
            systems: SystemSettings::of(asked, inputs, config, damping),
            measure: Some(args.measure).filter(|it| *it != MeasureName::Loss),
            self_influence: args.self_influence,
            groups: digest(groups),
            newton: args.newton.name(),
        }
    }
}

/// Of what the groups hold.
fn digest(groups: &[WeightGroup]) -> Option<String> {
    let of_group = |digest: Digest, group: &WeightGroup| {
        let count = group.changes.len() as u64;
        let digest = digest
            .part(group.name.as_bytes())
            .part(&count.to_le_bytes());
        group
            .changes
            .iter()
            .fold(digest, |digest, (example, change)| {
                let digest = digest.part(&(*example as u64).to_le_bytes());
                digest.part(&change.to_le_bytes())
            })
    };
    let all = groups.iter().fold(Digest::default(), of_group);
    (!groups.is_empty()).then(|| all.name())
}
