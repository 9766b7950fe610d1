//! The network trained again on the corrected data.

use std::time::Instant;

use backdraft_models::{Zoo, data::Split};
use backdraft_report::{ModelQuality, audit::CorrectionRecord};

use super::{files::CORRECTED, run::AuditRun};
use crate::{
    CliError,
    inputs::Inputs,
    quality::{measured, quality},
    weights,
};

/// The corrected network, among the parts.
const PART: &str = "parts/corrected.safetensors";

impl AuditRun<'_> {
    /// What training again on the corrected data changes, and the seconds that it took, if corrections were given.
    pub(super) fn corrected(
        &self,
        before: ModelQuality,
    ) -> Result<Option<(CorrectionRecord, f64)>, CliError> {
        let (Some(corrections), Some(path)) = (self.corrections, &self.args.fix) else {
            return Ok(None);
        };
        let Inputs { dataset, noise, .. } = self.network.inputs;
        let train = corrections.applied(&dataset.train);
        let (module, seconds) = self.trained_again(&train)?;
        let objective = dataset.task.objective();
        let on_train = measured("corrected training", &module, &train, objective)?;
        let on_test = measured("test", &module, &dataset.test, objective)?;
        let kept = weights::record(dataset, "train", &train, &on_train);
        let bytes = weights::encode(&module, CORRECTED, &kept)?;
        self.network.store.folder().write(CORRECTED, &bytes)?;
        let cost = self.network.cost_of(&module, &train)?;
        let told = |it| self.network.unit.quality(quality(it));
        let (relabelled, removed) = corrections.counts();
        let record = CorrectionRecord {
            file: path.display().to_string(),
            relabelled,
            removed,
            restored: noise.as_ref().map(|it| corrections.restored(it)),
            before,
            after: ModelQuality {
                train: told(&on_train),
                test: told(&on_test),
                gradient_norm: self.network.gradient_norm(&cost)?,
            },
        };
        Ok(Some((record, seconds)))
    }

    /// From the folder, if it is there.
    fn trained_again(&self, train: &Split) -> Result<(Zoo, f64), CliError> {
        let folder = self.network.store.folder();
        let inputs = self.network.inputs;
        let initial = inputs.network.init(&inputs.opened.device);
        if let Some(found) = folder.module(PART, &initial)? {
            return Ok(found);
        }
        let start = Instant::now();
        let model = self.network.train(initial.clone(), train)?;
        let seconds = start.elapsed().as_secs_f64();
        self.network.store.keep_module(PART, &model, seconds)?;
        Ok(folder.module(PART, &initial)?.unwrap_or((model, seconds)))
    }
}
