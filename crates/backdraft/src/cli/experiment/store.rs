//! The experiment's folder: what is done stays done.

use std::path::{Path, PathBuf};

use backdraft_models::Zoo;
use burn::tensor::Tensor;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{args::Over, estimate::Estimate, plan::Plan, stage::Stage};
use crate::{
    cli::{
        CliError,
        differences::differences,
        run_folder::{Kind, Place, RunFolder, SECONDS, SETTINGS, VERSIONS, seconds, versions},
        setup::WRONG_LABELS,
        tensors::Texts,
    },
    output::{
        Contents,
        experiment::{Correlations, Decomposition, Mislabel, Sweep},
    },
};

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

/// Refuses folders to be merged into `out` that hold anything but the experiment of `plan`, made by the same programs from the same
/// base network.
pub(super) fn check_parts(
    parts: &[PathBuf],
    plan: &impl Serialize,
    out: &Path,
) -> Result<(), CliError> {
    let mut base: Option<(&Path, Vec<u8>)> = None;
    if let Ok(bytes) = std::fs::read(out.join(BASE)) {
        base = Some((out, bytes));
    }
    for part in parts {
        let refuse = |problem: String| {
            let problem = format!("{} {problem}", part.display());
            Err(CliError::Option {
                option: "--merge",
                problem,
            })
        };
        let Ok(record) = std::fs::read(part.join(RECORD)) else {
            return refuse(format!("holds no experiment: there is no {RECORD}"));
        };
        let Ok(record) = serde_json::from_slice::<Value>(&record) else {
            return refuse(format!("holds a damaged {RECORD}"));
        };
        let found = differences(plan, &record[SETTINGS])?;
        if !found.is_empty() {
            return refuse(format!("holds another experiment: {}", found.join(", ")));
        }
        let found = differences(&versions(), &record[VERSIONS])?;
        if !found.is_empty() {
            return refuse(format!(
                "was made by another version: {}; make all parts by the same",
                found.join(", ")
            ));
        }
        let Ok(bytes) = std::fs::read(part.join(BASE)) else {
            // Not trained yet: it has no removals either.
            continue;
        };
        match &base {
            Some((other, known)) if *known != bytes => {
                return refuse(format!(
                    "has another base network than {}: machines differ in the last bits. Begin each part with --merge of \
                     one folder in which the network is trained",
                    other.display()
                ));
            }
            Some(_) => {}
            None => base = Some((part, bytes)),
        }
    }
    Ok(())
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

    /// Copies the removals that are done in other folders, which are known to be of the same experiment, and the base if there is
    /// none here.
    pub fn merge(&self, others: &[PathBuf], plan: &Plan) -> Result<(), CliError> {
        for other in others {
            let read = |name: &str| std::fs::read(other.join(name)).ok();
            if let (None, Some(base), Some(choices)) =
                (self.folder.read(BASE)?, read(BASE), read(CHOICES))
            {
                self.folder.write(CHOICES, &choices)?;
                self.folder.write(BASE, &base)?;
                if let Some(settled) = read(LISSA) {
                    self.folder.write(LISSA, &settled)?;
                }
            }
            for position in 0..plan.removals.len() {
                let name = point(position);
                if let (None, Some(bytes)) = (self.folder.read(&name)?, read(&name)) {
                    self.folder.write(&name, &bytes)?;
                }
            }
        }
        Ok(())
    }

    /// Whether the removal at `position` is done.
    pub fn is_done(&self, position: usize) -> Result<bool, CliError> {
        Ok(self.folder.read(&point(position))?.is_some())
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
        if self
            .folder
            .read(&format!("{SEARCH}/{rate}.diverged"))?
            .is_some()
        {
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
            None => self.write(&format!("{SEARCH}/{rate}.diverged"), b""),
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
