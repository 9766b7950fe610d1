//! One run of `audit`, from stage to stage.

use backdraft::{
    InfluenceConfig, Measurement,
    attribution::{Audit as AuditOf, AuditBy},
};
use backdraft_models::{Metrics, Zoo};
use backdraft_report::{
    ModelQuality, Sequences,
    audit::{CorrectionRecord, SuspectRecord},
};
use burn::tensor::{DType, Device, Tensor};

use super::{corrections::Corrections, suspects};
use crate::{
    CliError,
    args::{Audit, Damping},
    dampings::Dampings,
    network_run::NetworkRun,
    progress::say,
    run_folder::Shards,
};

/// What was asked, and where results go.
pub(super) struct AuditRun<'a> {
    pub args: &'a Audit,
    pub network: NetworkRun<'a>,
    pub corrections: Option<&'a Corrections>,
    pub damping: &'a Damping,
    /// What other processes have done.
    pub shards: &'a Shards,
}

/// What is known once all examples are looked through.
pub(super) struct AuditedModel {
    pub module: Zoo,
    pub metrics: ModelQuality,
    /// On the training part, as it is kept with the weights.
    pub on_train: Metrics,
    pub parameters: usize,
    pub dampings: Dampings,
    pub audit: AuditOf,
    /// All examples, the most suspect first.
    pub suspects: Vec<SuspectRecord>,
    /// Of a text, those of the report.
    pub sequences: Option<Sequences>,
    pub corrections: Option<CorrectionRecord>,
    /// The seconds of each stage.
    pub seconds: Vec<(&'static str, f64)>,
}

impl AuditRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        network.store.merge(&self.args.shards.merge)?;
        let (module, training) = network.model()?;
        network.store.mark_shard(&self.args.shards)?;
        let place = (&network.inputs.opened.device, DType::F32);
        let cost = network.cost(&module, place, None)?;
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        let dampings = network.dampings(self.damping, &cost)?;
        let influence = InfluenceConfig::new().with_damping(dampings.values[0]);
        let influence = influence.over(cost.clone())?;
        let Some((audit, seconds)) = self.audit(&influence, place)? else {
            return Ok(());
        };
        match (self.is_of_text(), self.by()) {
            (false, _) => say(format_args!(
                "answers without each training example: one Newton step, with an inverse that is {}",
                audit.method
            )),
            (true, AuditBy::SelfInfluence) => say(format_args!("self-influence: {}", audit.method)),
            (true, _) => {}
        }
        let mut stages = vec![("audit", seconds)];
        if network.inputs.loaded.is_none() {
            stages.insert(0, ("train", training));
        }
        let data = (&network.inputs.dataset, network.inputs.noise.as_ref());
        let mut found = AuditedModel {
            suspects: suspects::suspects(&audit, self.by(), data, network.unit),
            sequences: None,
            parameters: cost.model().dim(),
            module,
            metrics,
            on_train,
            dampings,
            audit,
            corrections: None,
            seconds: stages,
        };
        found.sequences = self.sequences(&cost, &found)?;
        self.write(&found)?;
        if let Some((record, seconds)) = self.corrected(&found, &influence)? {
            found.corrections = Some(record);
            found.seconds.push(("train again", seconds));
        }
        self.finish(&found)
    }

    /// What counts as harm: the mean loss over the test set, and its inputs.
    pub(super) fn harm(&self, place: (&Device, DType)) -> (Measurement, Tensor<2>) {
        let dataset = &self.network.inputs.dataset;
        let targets = dataset.objective().targets(&dataset.test, place);
        (
            Measurement::loss(targets).mean(),
            dataset.test.inputs(place),
        )
    }
}
