//! `--fix`: a table of training examples with their right labels.

use std::{collections::HashSet, path::Path};

use backdraft_models::{
    data::{Dataset, LabelNoise, Split, Targets, Task},
    quote,
};
use serde::Serialize;

use crate::CliError;

/// The columns that are read.
const TRAIN: &str = "train";
const FIX: &str = "fix";
/// What takes an example away.
const REMOVE: &str = "remove";

/// What is to become of some training examples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Corrections(Vec<(usize, Correction)>);

/// What is to become of one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Correction {
    Remove,
    Class(i64),
    /// As the network is trained with.
    Value(f32),
}

impl Corrections {
    /// Those of a CSV file with a header: in the column `train` the index of a training example, in `fix` its right
    /// label, or `remove`; what has no `fix` is passed over, as are other columns.
    ///
    /// # Errors
    /// [`CliError::Option`] for what cannot be read or makes no sense, with the line.
    pub fn read(path: &Path, dataset: &Dataset) -> Result<Self, CliError> {
        let found = read(path, dataset).and_then(|found| {
            if found.is_empty() {
                return Err(format!(
                    "corrects nothing: its column {FIX} is empty; write the right label into it, or `{REMOVE}`"
                ));
            }
            let corrections = Self(found);
            match corrections.removed().count() == dataset.train.rows {
                true => Err("removes all training examples: at least one must stay".into()),
                false => Ok(corrections),
            }
        });
        found.map_err(|problem| CliError::Option {
            option: "--fix",
            problem: format!("{} {problem}", quote::path(path)),
        })
    }

    /// Targets that are others, and examples that are left out.
    pub fn counts(&self) -> (usize, usize) {
        let removed = self.removed().count();
        (self.0.len() - removed, removed)
    }

    /// How many of the labels that were made wrong have their true one again, or are left out.
    pub fn restored(&self, noise: &LabelNoise) -> usize {
        let is_restored = |(train, correction): &&(usize, Correction)| {
            let change = noise.changes.iter().find(|it| it.row == *train);
            change.is_some_and(|change| match correction {
                Correction::Remove => true,
                Correction::Class(class) => *class == change.truth,
                Correction::Value(_) => false,
            })
        };
        self.0.iter().filter(is_restored).count()
    }

    /// The training examples that are left out.
    pub fn removed(&self) -> impl Iterator<Item = usize> {
        let removed = self.0.iter().filter(|it| it.1 == Correction::Remove);
        removed.map(|it| it.0)
    }

    /// Those whose targets are others.
    pub fn relabelled(&self) -> Vec<usize> {
        let others = self.0.iter().filter(|it| it.1 != Correction::Remove);
        others.map(|it| it.0).collect()
    }

    /// All training examples, with the right labels.
    pub fn with_targets(&self, train: &Split) -> Split {
        let mut corrected = train.clone();
        for (row, correction) in &self.0 {
            match (correction, &mut corrected.targets) {
                (Correction::Remove, _) => {}
                (Correction::Class(class), Targets::Classes(all)) => all[*row] = *class,
                (Correction::Value(value), Targets::Values(all)) => all[*row] = *value,
                // Sequences are removed alone.
                _ => unreachable!("corrections are of the task's kind"),
            }
        }
        corrected
    }

    /// The training examples with the right labels, without those that are removed.
    pub fn applied(&self, train: &Split) -> Split {
        let removed: HashSet<usize> = self.removed().collect();
        let kept: Vec<usize> = (0..train.rows).filter(|it| !removed.contains(it)).collect();
        self.with_targets(train).select(&kept)
    }
}

fn read(path: &Path, dataset: &Dataset) -> Result<Vec<(usize, Correction)>, String> {
    let unread = |error: csv::Error| format!("cannot be read: {}", quote::reason(error));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(unread)?;
    let head = reader.headers().map_err(unread)?;
    let column = |name: &str| {
        let found = head.iter().position(|it| it == name);
        found.ok_or_else(|| {
            format!(
                "has no column `{name}`: the first line names the columns, {TRAIN} with an index of a training example a line and \
                 {FIX} with its right label, as in a copy of audit.csv"
            )
        })
    };
    let (train, fix) = (column(TRAIN)?, column(FIX)?);
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for row in reader.records() {
        let row = row.map_err(unread)?;
        let line = row.position().map_or(0, csv::Position::line);
        let wrong = |problem: String| format!("line {line} {problem}");
        let cell = |column: usize| row.get(column).unwrap_or_default();
        if cell(fix).is_empty() {
            continue;
        }
        let example: usize = cell(train).parse().map_err(|_| {
            let given = quote::text(cell(train));
            wrong(format!(
                "has `{given}` for {TRAIN}: it must be an index of a training example from 0"
            ))
        })?;
        let rows = dataset.train.rows;
        if example >= rows {
            return Err(wrong(format!(
                "names training example {example}: {} holds {rows}, counted from 0",
                dataset.name
            )));
        }
        if !seen.insert(example) {
            return Err(wrong(format!("corrects training example {example} again")));
        }
        found.push((example, correction(cell(fix), dataset).map_err(wrong)?));
    }
    Ok(found)
}

/// A label by its name or else its number, a value in its own units, or `remove`.
fn correction(text: &str, dataset: &Dataset) -> Result<Correction, String> {
    let names = dataset.task.classes();
    let given = || quote::text(text);
    match &dataset.task {
        Task::NextToken { .. } if text != REMOVE => Err(format!(
            "has `{}` for {FIX}: a sequence has a word at each place, and takes `{REMOVE}` alone; correct words in the text itself",
            given()
        )),
        // A word of the vocabulary may be called so.
        Task::NextToken { .. } => Ok(Correction::Remove),
        _ if names.iter().any(|it| it == text) => {
            let class = names.iter().position(|it| it == text);
            Ok(Correction::Class(class.unwrap_or_default() as i64))
        }
        _ if text == REMOVE => Ok(Correction::Remove),
        Task::Regression => {
            let value = text.parse().ok().filter(|it: &f64| it.is_finite());
            let value = value.and_then(|it| dataset.scaled_target(it));
            let value = value.ok_or_else(|| {
                format!(
                    "has `{}` for {FIX}: it must be a number, or `{REMOVE}`",
                    given()
                )
            })?;
            Ok(Correction::Value(value))
        }
        _ => Err(format!(
            "has `{}` for {FIX}: it must be one of the labels {}, or `{REMOVE}`",
            given(),
            names.join(", ")
        )),
    }
}
