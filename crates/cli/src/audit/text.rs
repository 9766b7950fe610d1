//! The audit of a text: its sequences, and their words.

use backdraft::{
    InfluenceConfig,
    attribution::{AuditBy, TokenTargets},
};
use backdraft_curvature::Cost;
use backdraft_report::Sequences;

use super::run::{AuditRun, AuditedModel};
use crate::{CliError, words};

impl AuditRun<'_> {
    /// Whether examples are sequences with a target at each place.
    pub(super) fn is_of_text(&self) -> bool {
        words::places(&self.network.inputs.dataset.train).is_some()
    }

    /// What the examples are ranked by.
    pub(super) fn by(&self) -> AuditBy {
        self.args.by(self.is_of_text())
    }

    /// The words that the training sequences are to be followed by.
    pub(super) fn token_targets(&self, train: &Cost) -> TokenTargets {
        words::targets(&self.network.inputs.dataset.train, train)
    }

    /// The sequences of the report, and what the network says of their words; none of what is no text.
    pub(super) fn sequences(
        &self,
        cost: &Cost,
        found: &AuditedModel,
    ) -> Result<Option<Sequences>, CliError> {
        if !self.is_of_text() {
            return Ok(None);
        }
        let dataset = &self.network.inputs.dataset;
        let shown = found.suspects.iter().take(self.args.top.get());
        let shown: Vec<usize> = shown.map(|it| it.train).collect();
        let train = (&dataset.train, &dataset.train_source);
        let told = words::sequences(train, &shown, &cost.select(&shown)?)?;
        let mut sequences = Sequences {
            vocabulary: dataset.task.classes().to_vec(),
            train: shown.iter().copied().zip(told).collect(),
            ..Sequences::default()
        };
        if self.by() == AuditBy::SelfInfluence {
            let config = InfluenceConfig::new().with_damping(found.dampings.values[0]);
            let influence = config.over(cost.clone())?;
            let parts = influence.place_self_influence(&shown)?;
            let [_, places] = parts.dims();
            let parts: Vec<f64> = parts.into_data().iter().collect();
            let parts = parts.chunks(places).map(<[f64]>::to_vec);
            let keys = shown.iter().map(|&train| (None, train));
            sequences.scores = keys.zip(parts).collect();
        }
        Ok(Some(sequences))
    }
}
