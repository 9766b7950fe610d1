//! How a command that asks about a network begins and ends: its folder, what it says first, and what a failure leaves.

use backdraft_models::{Architecture, TrainConfig};
use serde::Serialize;

use super::{
    CliError,
    args::RunArgs,
    failure::guarded,
    inputs::{Inputs, WRONG_LABELS},
    network_run::NetworkRun,
    quality::unit,
    run_folder::{Kind, PartsFolder, RunPlace},
};

/// What such a command has before it has a network.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    pub run: &'a RunArgs,
    pub inputs: &'a Inputs,
    pub config: &'a TrainConfig,
    /// What its folder keeps.
    pub kind: Kind,
    /// What the names of its new folders begin with, before the model's: nothing, or such as `perturb-`.
    pub prefix: &'static str,
}

impl Opening<'_> {
    /// Does `work` in the run's folder, which keeps what was done for `settings` until then: an earlier run of the same
    /// goes on, one of others is refused. A device's failure is an error that says what to do.
    pub fn run<S: Serialize>(
        &self,
        settings: &S,
        work: impl FnOnce(NetworkRun<'_>) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let Self { run, inputs, .. } = *self;
        let (kind, dataset) = (inputs.kind, &inputs.dataset);
        let name = || self.folder_name(kind, &dataset.name);
        let place = RunPlace::of(&run.folder, name)?;
        let store = PartsFolder::open(&place, self.kind, settings, run.folder.overwrite)?;
        inputs.announce(run);
        store.announce(&place);
        if let Some(table) = inputs.wrong_labels()? {
            store.folder().write(WRONG_LABELS, table.as_bytes())?;
        }
        let remedy = run.model.remedy(kind.pass());
        let unit = unit(kind, dataset, run.data.target.as_deref());
        let network = NetworkRun {
            run,
            inputs,
            unit: &unit,
            pass: remedy.examples,
            config: self.config,
            store: &store,
        };
        let outcome = guarded(remedy, || work(network));
        if outcome.is_err() {
            // The failure is what is to be told.
            let _ = store.abandon_if_empty();
        }
        outcome
    }

    fn folder_name(&self, kind: Architecture, data: &str) -> String {
        format!("{}{kind}-{data}", self.prefix)
    }
}
