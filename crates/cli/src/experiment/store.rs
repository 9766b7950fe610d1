//! The experiment's folder: what is done stays done.

mod merge;

use std::path::Path;

use backdraft_models::Zoo;
use burn::tensor::Tensor;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{args::Over, estimate::Estimate, stage::Stage};
use crate::{
    CliError,
    inputs::WRONG_LABELS,
    run_folder::{Kind, Place, RunFolder, SECONDS, seconds},
    tensors::Texts,
};
use backdraft_report::Record;
use backdraft_report::{
    Contents,
    experiment::{Correlations, Decomposition, Mislabel, Sweep},
};

pub(super) use merge::check_parts;

/// What the experiment is, which tells its folder from others.
const RECORD: &str = "experiment.json";
/// Of removals that are done: one file each.
const POINTS: &str = "points";
/// Of removals that are not: the parameters found so far.
const STAGES: &str = "stages";
/// The trained network, and what was settled with it.
const BASE: &str = "base.safetensors";
const CHOICES: &str = "base.json";
/// What a search for the step size has tried: a file each, and the network if there is one.
const SEARCH: &str = "search";
/// What was settled for LiSSA.
const LISSA: &str = "lissa.json";
/// The report for a reader, and the second one of a decomposition with tests.
pub(super) const REPORT: &str = "report.html";
pub(super) const CORRELATIONS: &str = "correlations.html";

/// An experiment, and a sweep, which is several.
pub(super) const EXPERIMENT: Kind = Kind {
    name: "an experiment",
    contents: CONTENTS,
    network: BASE,
    computed: &[POINTS, STAGES, LISSA],
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
        ],
        ..CONTENTS
    },
    ..EXPERIMENT
};

const CONTENTS: Contents = Contents {
    record: RECORD,
    results: &[
        Decomposition::FILE,
        Correlations::FILE,
        Sweep::FILE,
        Mislabel::FILE,
    ],
    others: &[
        REPORT,
        CORRELATIONS,
        WRONG_LABELS,
        POINTS,
        STAGES,
        SEARCH,
        LISSA,
        BASE,
        CHOICES,
    ],
    parts: &[],
};

/// What is told beside an estimate.
const RESIDUAL: &str = "residual";
const SOLVED: &str = "solved";

/// The experiment's folder.
pub(super) struct Store {
    folder: RunFolder,
}

impl Store {
    /// Opens the folder for `plan`: an earlier one of the same settings goes on.
    pub fn open(
        path: &Path,
        kind: Kind,
        plan: &impl Serialize,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        let place = Place::Named(path.to_path_buf());
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

    /// Whether the removal at `position` is done.
    pub fn is_done(&self, position: usize) -> Result<bool, CliError> {
        Ok(self.folder.whole(&point(position))?.is_some())
    }

    /// What is known of the removal at `position`, if it is done.
    pub fn point<T: DeserializeOwned>(&self, position: usize) -> Result<Option<T>, CliError> {
        self.folder.json(&point(position))
    }

    /// Keeps what is known of the removal at `position`; the parameters on the way to it are let go.
    pub fn finish(&self, position: usize, point_of: &impl Serialize) -> Result<(), CliError> {
        self.folder.write_json(&point(position), point_of)?;
        self.folder.remove_folder(&format!("{STAGES}/{position}"))
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

    /// What was settled for LiSSA, if that is done.
    pub fn settled<T: DeserializeOwned>(&self) -> Result<Option<T>, CliError> {
        self.folder.json(LISSA)
    }

    pub fn settle(&self, settled: &impl Serialize) -> Result<(), CliError> {
        self.folder.write_json(LISSA, settled)
    }

    /// The influence estimate for the removal at `position`, and the seconds that it took; in the place of `like`.
    pub fn estimate(
        &self,
        position: usize,
        like: &Tensor<1>,
    ) -> Result<Option<(Estimate, f64)>, CliError> {
        let name = answer(Some(position), Stage::Influence);
        let Some((mut tensors, texts)) = self.folder.tensors(&name)? else {
            return Ok(None);
        };
        let number = |key| texts.get(key).and_then(|text| text.parse::<f64>().ok());
        let (Some(residual), Some(solved), Some((_, change))) = (
            number(RESIDUAL),
            texts.get(SOLVED).and_then(|text| text.parse().ok()),
            tensors.pop(),
        ) else {
            return Err(self.folder.damaged(&name, "it holds no influence estimate"));
        };
        let change = Tensor::from_data(change, (&like.device(), like.dtype()));
        let estimate = Estimate {
            change,
            residual,
            solved,
        };
        Ok(Some((estimate, seconds(&texts))))
    }

    pub fn keep_estimate(
        &self,
        position: usize,
        estimate: &Estimate,
        seconds: f64,
    ) -> Result<(), CliError> {
        let texts = [
            (SECONDS, seconds.to_string()),
            (RESIDUAL, estimate.residual.to_string()),
            (SOLVED, estimate.solved.to_string()),
        ];
        let change = vec![("change".to_owned(), estimate.change.to_data())];
        let texts = texts.map(|(key, text)| (key.to_owned(), text));
        let name = answer(Some(position), Stage::Influence);
        self.folder
            .write_tensors(&name, &change, Texts::from(texts))
    }

    /// The network that `stage` found for the removal at `position`, and the seconds that it took.
    pub fn answer(
        &self,
        position: Option<usize>,
        stage: Stage,
        like: &Zoo,
    ) -> Result<Option<(Zoo, f64)>, CliError> {
        self.folder.module(&answer(position, stage), like)
    }

    pub fn keep(
        &self,
        position: Option<usize>,
        stage: Stage,
        found: &Zoo,
        seconds: f64,
    ) -> Result<(), CliError> {
        self.folder
            .keep_module(&answer(position, stage), found, seconds)
    }

    /// Puts a result in place.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        self.folder.write(name, bytes)
    }
}

fn point(position: usize) -> String {
    format!("{POINTS}/{position}.json")
}

fn answer(position: Option<usize>, stage: Stage) -> String {
    match position {
        Some(position) => format!("{STAGES}/{position}/{}.safetensors", stage.name()),
        None => format!("{STAGES}/{}.safetensors", stage.name()),
    }
}
