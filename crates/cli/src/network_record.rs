//! What every record of a run says of its network, and the file of the network itself.

use backdraft_models::{Metrics, TrainConfig, Zoo, ZooConfig, quote};
use backdraft_report::{
    ModelQuality, Report, RunRecord, RunSettings, Sizes, Timing, Versions, details_of,
};
use serde::Serialize;

use super::{
    BURN, CliError,
    network_run::NetworkRun,
    preparation::{Preparation, describe},
    progress::say,
    weights,
};

/// The settings of a record that have no name of their own there, of the network and of what was asked of it.
#[derive(Serialize)]
struct Details<'a, T> {
    #[serde(flatten)]
    asked: &'a T,
    network: &'a ZooConfig,
    /// None if the weights are from a file.
    training: Option<&'a TrainConfig>,
    target: Option<&'a str>,
    #[serde(flatten)]
    preparation: Preparation,
    corrupt_labels: Option<f64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    only: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    inference: Option<&'a str>,
    /// The places of the devices among those of their kind, where there were several.
    #[serde(skip_serializing_if = "Option::is_none")]
    devices: Option<Vec<usize>>,
}

impl NetworkRun<'_> {
    /// Writes the network, as --weights takes it.
    pub fn write_weights(&self, module: &Zoo, on_train: &Metrics) -> Result<(), CliError> {
        self.write_network(weights::FILE, module, on_train)
    }

    /// Writes another network of the run into the file `name`, as --weights takes it.
    pub fn write_network(
        &self,
        name: &str,
        module: &Zoo,
        on_train: &Metrics,
    ) -> Result<(), CliError> {
        let dataset = &self.inputs.dataset;
        let kept = weights::record(dataset, "train", &dataset.train, on_train);
        let bytes = weights::encode(module, name, &kept)?;
        self.store.folder().write(name, &bytes)
    }

    /// The settings of the record; `system` has the solver's name and the damping, where systems are solved.
    pub fn settings(
        &self,
        system: Option<(&str, f64)>,
        asked: &impl Serialize,
    ) -> Result<RunSettings, CliError> {
        let Self { run, inputs, .. } = self;
        let loaded = inputs.loaded.as_ref();
        let details = Details {
            asked,
            network: &inputs.network,
            training: loaded.is_none().then_some(self.config),
            target: run.data.target.as_deref(),
            preparation: Preparation::of(&inputs.dataset),
            corrupt_labels: run.corrupt_labels,
            only: &inputs.only,
            inference: inputs.dataset.inference.as_deref(),
            devices: inputs.opened.places(),
        };
        let (solver, damping) = system.unzip();
        Ok(RunSettings {
            model: inputs.kind.name().into(),
            data: run.data.path.display().to_string(),
            task: describe(&inputs.dataset),
            solver: solver.map(str::to_owned),
            weights: loaded.map(|loaded| loaded.file.clone()),
            damping,
            device: inputs.opened.name.into(),
            seed: run.compute.seed,
            out: self.store.folder().path().display().to_string(),
            details: details_of(&details)?,
        })
    }

    /// The record of a run that has come so far: with its stages' seconds, but without queries and results.
    pub fn record(
        &self,
        settings: RunSettings,
        metrics: ModelQuality,
        parameters: usize,
        seconds: &[(&str, f64)],
    ) -> RunRecord {
        let dataset = &self.inputs.dataset;
        let timing = |&(stage, seconds): &(&str, f64)| Timing {
            stage: stage.into(),
            seconds,
        };
        RunRecord {
            settings,
            versions: Versions {
                backdraft: env!("CARGO_PKG_VERSION").into(),
                burn: BURN.into(),
            },
            started: None,
            unit: self.unit.clone(),
            measure: None,
            sizes: Sizes {
                train: dataset.train.rows,
                test: dataset.test.rows,
                parameters,
            },
            timings: seconds.iter().map(timing).collect(),
            metrics,
            queries: Vec::new(),
            mean: None,
            groups: Vec::new(),
            closed_form: None,
            verification: None,
        }
    }

    /// Ends the run: `record` says that it is whole, with the digests of `files`; tells where all is.
    pub fn finish(&self, record: &[u8], files: &[String]) -> Result<(), CliError> {
        self.store.finish(record, files)?;
        self.tell_place();
        Ok(())
    }

    /// Says where the run's files are.
    pub fn tell_place(&self) {
        let folder = self.store.folder().path();
        say(format_args!(
            "\nwritten to {}; open {}",
            quote::path(folder),
            quote::path(&folder.join(Report::FILE))
        ));
    }
}
