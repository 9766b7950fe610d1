//! The network trained again on the corrected data, and what was predicted of that.

use std::time::Instant;

use backdraft::{Influence, attribution::Audit};
use backdraft_models::{Metrics, Zoo, data::Split};
use backdraft_report::{ModelQuality, audit::CorrectionRecord};
use burn::tensor::{DType, Device};

use super::{
    corrections::Corrections,
    files::CORRECTED,
    run::{AuditRun, AuditedModel},
};
use crate::{
    CliError,
    inputs::Inputs,
    quality::{measured, quality},
    weights,
};

/// The corrected network, among the parts.
const PART: &str = "parts/corrected.safetensors";
/// The network of a file, trained on as long on the labels as they are given, among the parts.
const AS_GIVEN: &str = "parts/as-given.safetensors";

impl AuditRun<'_> {
    /// What training again on the corrected data changes, and the seconds that it took, if corrections were given. A
    /// network of a file is trained on from there, and once more on the labels as they are given: what the two differ
    /// in is the corrections' doing.
    pub(super) fn corrected(
        &self,
        found: &AuditedModel,
        influence: &Influence,
    ) -> Result<Option<(CorrectionRecord, f64)>, CliError> {
        let (Some(corrections), Some(path)) = (self.corrections, &self.args.fix) else {
            return Ok(None);
        };
        let Inputs {
            dataset,
            noise,
            loaded,
            ..
        } = self.network.inputs;
        let predicted = self.predicted(corrections, influence, &found.audit)?;
        let mut seconds = 0.0;
        let mut as_given = None;
        if loaded.is_some() {
            let (module, took) = self.trained_again(AS_GIVEN, &dataset.train)?;
            as_given = Some(self.quality_of(&module, &dataset.train)?.0);
            seconds += took;
        }
        let train = dataset.weighted(corrections.applied(&dataset.train));
        let (module, took) = self.trained_again(PART, &train)?;
        seconds += took;
        let (after, on_train) = self.quality_of(&module, &train)?;
        let kept = weights::record(dataset, "train", &train, &on_train);
        let bytes = weights::encode(&module, CORRECTED, &kept)?;
        self.network.store.folder().write(CORRECTED, &bytes)?;
        let (relabelled, removed) = corrections.counts();
        let record = CorrectionRecord {
            file: path.display().to_string(),
            relabelled,
            removed,
            restored: noise.as_ref().map(|it| corrections.restored(it)),
            predicted: Some(self.network.unit.loss_factor * predicted),
            before: found.metrics,
            as_given,
            after,
        };
        Ok(Some((record, seconds)))
    }

    /// The predicted change of the mean test loss, to first order in the share of the training set that is corrected:
    /// the sum over the corrections, each by influence.
    fn predicted(
        &self,
        corrections: &Corrections,
        influence: &Influence,
        audit: &Audit,
    ) -> Result<f64, CliError> {
        let scores = |example: usize| audit.examples[example].score.unwrap_or_default();
        let removed: f64 = corrections.removed().map(scores).sum();
        let relabelled = corrections.relabelled();
        if relabelled.is_empty() {
            return Ok(removed);
        }
        let dataset = &self.network.inputs.dataset;
        let place: (&Device, DType) = (&self.network.inputs.opened.device, DType::F32);
        let (harm, queries) = self.harm(place);
        let answers = influence.perturb(&harm, queries)?;
        let examples = corrections.with_targets(&dataset.train).select(&relabelled);
        let targets = dataset.objective().targets(&examples, place);
        let changes = answers.replaced(&relabelled, examples.inputs(place), targets)?;
        let changes = changes.try_into_vec_as::<f64>();
        let changes = changes.map_err(backdraft::AttributionError::from)?;
        Ok(removed + changes.iter().sum::<f64>())
    }

    /// How good a network is that was trained on `train`, and how it does there.
    fn quality_of(&self, module: &Zoo, train: &Split) -> Result<(ModelQuality, Metrics), CliError> {
        let dataset = &self.network.inputs.dataset;
        let objective = dataset.objective();
        let on_train = measured("corrected training", module, train, objective)?;
        let on_test = measured("test", module, &dataset.test, objective)?;
        let cost = self.network.cost_of(module, train)?;
        let told = |it| self.network.unit.quality(quality(it));
        let quality = ModelQuality {
            train: told(&on_train),
            test: told(&on_test),
            gradient_norm: self.network.gradient_norm(&cost)?,
        };
        Ok((quality, on_train))
    }

    /// From the folder, if it is there.
    fn trained_again(&self, part: &str, train: &Split) -> Result<(Zoo, f64), CliError> {
        let folder = self.network.store.folder();
        let inputs = self.network.inputs;
        let initial = match &inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => inputs.network.init(&inputs.opened.device),
        };
        if let Some(found) = folder.module(part, &initial)? {
            return Ok(found);
        }
        let start = Instant::now();
        let model = self.network.train(initial.clone(), train)?;
        let seconds = start.elapsed().as_secs_f64();
        self.network.store.keep_module(part, &model, seconds)?;
        Ok(folder.module(part, &initial)?.unwrap_or((model, seconds)))
    }
}
