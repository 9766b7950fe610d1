//! What a run of `explain` was asked.

use std::num::NonZeroUsize;

use backdraft::attribution::Digest;
use backdraft_models::TrainConfig;
use serde::Serialize;

use crate::{
    args::{Damping, Explain, MeasureName, PreconditionerName},
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
    /// The place of each query that is measured, if it is one alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_influence: bool,
    /// A digest of the groups whose weights are changed, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    groups: Option<String>,
    newton: &'static str,
    /// Whether the scores go to a store, which decides what else there is.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    store_scores: bool,
    /// Which queries are gone through together, where that is not the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<f64>,
    /// What is asked about, where that is not the test part.
    #[serde(skip_serializing_if = "Option::is_none")]
    query_data: Option<String>,
    /// Where solutions depend, within the tolerance, on what earlier runs have learnt.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    /// Queries that are solved for together, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<NonZeroUsize>,
    /// In how many parts of the training examples products are made, where they are split.
    #[serde(skip_serializing_if = "Option::is_none")]
    product_parts: Option<usize>,
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
            token: args.token,
            self_influence: args.self_influence,
            groups: digest(groups),
            newton: args.newton.name(),
            store_scores: args.large.store_scores.is_some(),
            memory: args.large.own_memory(),
            cache: args
                .large
                .cache
                .as_ref()
                .filter(|_| learns(args))
                .map(|it| it.display().to_string()),
            query_data: args
                .large
                .query_data
                .as_ref()
                .map(|it| it.display().to_string()),
            block: args.block,
            product_parts: None,
        }
    }

    /// With products made in so many parts of the training examples.
    pub fn in_parts(self, parts: usize) -> Self {
        Self {
            product_parts: Some(parts).filter(|parts| *parts > 1),
            ..self
        }
    }
}

/// Whether later queries may be solved by what earlier ones have learnt.
fn learns(args: &Explain) -> bool {
    let learning = [PreconditionerName::Auto, PreconditionerName::Recycled];
    let preconditioner = args.solver.preconditioner;
    preconditioner.is_some_and(|it| learning.contains(&it))
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
