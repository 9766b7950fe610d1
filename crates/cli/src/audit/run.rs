//! One run of `audit`, from stage to stage.

use std::time::Instant;

use backdraft::{
    Influence, InfluenceConfig, Measurement,
    attribution::{Audit as AuditOf, NewtonConfig, Store},
};
use backdraft_models::{Metrics, Zoo};
use backdraft_report::{
    ModelQuality, OutputError,
    audit::{CorrectionRecord, SuspectRecord},
};
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{corrections::Corrections, suspects};
use crate::{
    CliError,
    args::{Audit, Damping},
    dampings::Dampings,
    network_run::NetworkRun,
    progress::say,
};

/// What was found, among the parts.
const KEPT: &str = "audit.json";

/// What was asked, and where results go.
pub(super) struct AuditRun<'a> {
    pub args: &'a Audit,
    pub network: NetworkRun<'a>,
    pub corrections: Option<&'a Corrections>,
    pub damping: &'a Damping,
}

/// An audit, and the seconds that it took.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    pub audit: AuditOf,
    pub seconds: f64,
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
    pub corrections: Option<CorrectionRecord>,
    /// The seconds of each stage.
    pub seconds: Vec<(&'static str, f64)>,
}

impl AuditRun<'_> {
    pub fn run(self) -> Result<(), CliError> {
        let network = self.network;
        let (module, training) = network.model()?;
        let place = (&network.inputs.opened.device, DType::F32);
        let cost = network.cost(&module, place, None)?;
        let (metrics, on_train) = network.metrics(&module, &cost)?;
        let dampings = network.dampings(self.damping, &cost)?;
        let influence = InfluenceConfig::new().with_damping(dampings.values[0]);
        let influence = influence.over(cost.clone())?;
        let Kept { audit, seconds } = self.audit(&influence, place)?;
        say(format_args!(
            "answers without each training example: one Newton step, with an inverse that is {}",
            audit.method
        ));
        let mut stages = vec![("audit", seconds)];
        if network.inputs.loaded.is_none() {
            stages.insert(0, ("train", training));
        }
        let data = (&network.inputs.dataset, network.inputs.noise.as_ref());
        let mut found = AuditedModel {
            suspects: suspects::suspects(&audit, self.args.by.by(), data, network.unit),
            parameters: cost.model().dim(),
            module,
            metrics,
            on_train,
            dampings,
            audit,
            corrections: None,
            seconds: stages,
        };
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

    /// From the folder, if it is there.
    fn audit(&self, influence: &Influence, place: (&Device, DType)) -> Result<Kept, CliError> {
        let stored = |error| CliError::from(backdraft::AttributionError::from(error));
        if let Some(bytes) = self.network.store.get(KEPT).map_err(stored)?
            && let Ok(kept) = serde_json::from_slice(&bytes)
        {
            return Ok(kept);
        }
        let start = Instant::now();
        let targets = suspects::targets(&self.network.inputs.dataset);
        let (harm, queries) = self.harm(place);
        let audit = influence.audit(&targets, Some((&harm, queries)), &NewtonConfig::default())?;
        let seconds = start.elapsed().as_secs_f64();
        let unencoded = |error| OutputError::encode("an audit", error);
        let json = serde_json::to_vec(&Kept { audit, seconds }).map_err(unencoded)?;
        self.network.store.put(KEPT, &json).map_err(stored)?;
        // As a later run finds it.
        Ok(serde_json::from_slice(&json).map_err(unencoded)?)
    }
}
