//! The experiment's folder: what is done stays done.

mod merge;

use std::path::{Path, PathBuf};

use backdraft::attribution::{Store, StoreError};
use backdraft_models::Zoo;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::args::Over;
use crate::{
    CliError,
    inputs::WRONG_LABELS,
    run_folder::{self, Kind, RunFolder, RunPlace},
};
use backdraft_report::Record;
use backdraft_report::{
    Contents,
    experiment::{
        CorrelationsRecord, DecompositionRecord, GroupsRecord, MislabelRecord, SweepRecord,
        ValidationRecord,
    },
};

/// Refuses folders to be merged into `out` that hold anything but the experiment of `plan`, made by the same programs
/// from the same base network.
pub(super) fn check_parts(
    parts: &[PathBuf],
    plan: &impl Serialize,
    out: &Path,
) -> Result<(), CliError> {
    run_folder::check_parts(parts, EXPERIMENT, plan, Some(out))
}

/// What the experiment is, which tells its folder from others.
const RECORD: &str = "experiment.json";
/// Where an evaluation keeps the removals that are done, one file each, and of the others the parameters found so far.
const POINTS: &str = "points";
const STAGES: &str = "stages";
/// The trained network, and what was settled with it.
const BASE: &str = "base.safetensors";
const CHOICES: &str = "base.json";
/// What a search for the step size has tried: a file each, and the network if there is one.
const SEARCH: &str = "search";
/// Where it keeps what was settled for LiSSA.
const LISSA: &str = "lissa.json";
/// Where a validation keeps which examples it removes, what was measured before, and what estimators predict.
const STRONGEST: &str = "strongest.json";
const BASELINE: &str = "baseline.json";
const ESTIMATORS: &str = "estimators";
/// The report for a reader, and the second one of a decomposition with tests.
pub(super) const REPORT: &str = "report.html";
pub(super) const CORRELATIONS: &str = "correlations.html";

/// How the names of folders begin that hold the groups with one strength of the L2 term.
pub(super) const GROUPS: &str = "l2";
/// That of the effects of groups, in the folder of a sweep over the share removed.
pub(super) const EFFECTS: &str = "groups-random";

/// An experiment, and a sweep, which is several.
pub(super) const EXPERIMENT: Kind = Kind {
    name: "an experiment",
    contents: CONTENTS,
    network: BASE,
    computed: &[POINTS, STAGES, LISSA, STRONGEST, BASELINE, ESTIMATORS],
};
pub(super) const SWEEP: Kind = Kind {
    name: "an experiment",
    contents: Contents {
        parts: &[
            Over::Width.name(),
            Over::Depth.name(),
            Over::Epochs.name(),
            Over::WeightDecay.name(),
            Over::Damping.name(),
            Over::Removed.name(),
            GROUPS,
            EFFECTS,
        ],
        ..CONTENTS
    },
    ..EXPERIMENT
};

const CONTENTS: Contents = Contents {
    record: RECORD,
    results: &[
        DecompositionRecord::FILE,
        CorrelationsRecord::FILE,
        SweepRecord::FILE,
        GroupsRecord::FILE,
        MislabelRecord::FILE,
        ValidationRecord::FILE,
    ],
    others: &[
        REPORT,
        CORRELATIONS,
        GroupsRecord::CSV,
        WRONG_LABELS,
        POINTS,
        STAGES,
        SEARCH,
        LISSA,
        STRONGEST,
        BASELINE,
        ESTIMATORS,
        ValidationRecord::TABLE,
        BASE,
        CHOICES,
    ],
    parts: &[],
};

/// The experiment's folder.
pub(super) struct ExperimentFolder {
    folder: RunFolder,
}

impl ExperimentFolder {
    /// Opens the folder for `plan`: an earlier one of the same settings goes on.
    pub fn open(
        path: &Path,
        kind: Kind,
        plan: &impl Serialize,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        let place = RunPlace::Named(path.to_path_buf());
        let folder = RunFolder::open(&place, kind, plan, overwrite)?;
        Ok(Self { folder })
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder's name, which the report bears.
    pub fn title(&self) -> String {
        self.folder.title()
    }

    /// Lets go of the parameters found on the way, once all removals are done.
    pub fn tidy(&self) -> Result<(), CliError> {
        self.folder.remove_folder(SEARCH)?;
        self.folder.remove_folder(STAGES)
    }

    /// The trained network with what was settled, if that is done.
    pub fn base<T: DeserializeOwned>(&self, like: &Zoo) -> Result<Option<(Zoo, T)>, CliError> {
        let Some(choices) = self.folder.json(CHOICES)? else {
            return Ok(None);
        };
        let base = self.folder.module(BASE, like)?;
        self.folder.bind()?;
        Ok(base.map(|(base, _)| (base, choices)))
    }

    /// Keeps the trained network; what a search tried on the way to it is let go.
    pub fn keep_base(&self, base: &Zoo, choices: &impl Serialize) -> Result<(), CliError> {
        self.folder.keep_module(BASE, base, 0.0)?;
        self.folder.write_json(CHOICES, choices)?;
        self.folder.remove_folder(SEARCH)
    }

    /// The network that a step size gave, if it was tried; none within if training diverged.
    pub fn trial(&self, rate: f64, like: &Zoo) -> Result<Option<Option<Zoo>>, CliError> {
        let diverged = self.folder.whole(&format!("{SEARCH}/{rate}.diverged"))?;
        if diverged.is_some() {
            return Ok(Some(None));
        }
        let found = self
            .folder
            .module(&format!("{SEARCH}/{rate}.safetensors"), like)?;
        Ok(found.map(|(found, _)| Some(found)))
    }

    pub fn keep_trial(&self, rate: f64, found: Option<&Zoo>) -> Result<(), CliError> {
        match found {
            Some(found) => {
                self.folder
                    .keep_module(&format!("{SEARCH}/{rate}.safetensors"), found, 0.0)
            }
            None => {
                let name = format!("{SEARCH}/{rate}.diverged");
                self.folder
                    .write_json(&name, &json!({ "learning_rate": rate }))
            }
        }
    }

    /// Puts a result in place.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        self.folder.write(name, bytes)
    }
}

impl Store for ExperimentFolder {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.folder.whole(key).map_err(CliError::in_store)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.folder
            .write_marked(key, value.to_vec())
            .map_err(CliError::in_store)
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.folder.remove(key).map_err(CliError::in_store)
    }
}
