//! `--group`, `--forget`: a file of training examples whose weights are to change.

use std::{collections::HashSet, path::Path};

use backdraft_influence::response::Removal;
use backdraft_models::{data::Dataset, quote};
use serde::Serialize;

use super::{CliError, progress::say};
use backdraft_report::{brief, count, plural};

/// The columns that are read: the index of a training example, what is added to its weight, and the group's name.
const TRAIN: &str = "train";
const CHANGE: &str = "weight_change";
const GROUP: &str = "group";

/// Training examples whose weights change together, each counting 1 as it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct WeightGroup {
    pub name: String,
    /// An example and what is added to its weight: -1 removes it.
    pub changes: Vec<(usize, f64)>,
}

impl WeightGroup {
    /// What is taken off the weights among `n` training examples.
    pub fn removal(&self, n: usize) -> Removal {
        Removal::reweight(self.changes.iter().copied(), n)
    }

    /// What is added to the weights in sum.
    pub fn weight_change(&self) -> f64 {
        self.changes.iter().map(|it| it.1).sum()
    }
}

/// The groups of a CSV file with a header, in the order in which they come: an example a line, in the column `train`
/// its index, in `weight_change`, if there is that column, what is added to its weight (without it all are removed),
/// and in `group`, if there is that, whose it is. Other columns are passed over.
///
/// # Errors
/// [`CliError::Option`], of `option`, for what cannot be read or makes no sense, with the line.
pub(super) fn read(
    path: &Path,
    dataset: &Dataset,
    option: &'static str,
) -> Result<Vec<WeightGroup>, CliError> {
    let refuse = |problem: String| CliError::Option {
        option,
        problem: format!("{} {problem}", quote::path(path)),
    };
    let groups = groups(path, dataset).map_err(refuse)?;
    check(&groups, dataset).map_err(refuse)?;
    Ok(groups)
}

/// What the file says, line by line; or what is wrong with it.
fn groups(path: &Path, dataset: &Dataset) -> Result<Vec<WeightGroup>, String> {
    let unread = |error: csv::Error| format!("cannot be read: {}", quote::reason(error));
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(unread)?;
    let columns = Columns::of(reader.headers().map_err(unread)?)?;
    let alone = path.file_stem().map(|it| it.to_string_lossy().into_owned());
    let alone = alone.unwrap_or_else(|| "1".into());
    let mut groups: Vec<WeightGroup> = Vec::new();
    let mut seen = HashSet::new();
    for row in reader.records() {
        let row = row.map_err(unread)?;
        let line = row.position().map_or(0, csv::Position::line);
        let wrong = |problem: String| format!("line {line} {problem}");
        let (example, change) = columns.change(&row).map_err(wrong)?;
        let rows = dataset.train.rows;
        if example >= rows {
            return Err(wrong(format!(
                "names training example {example}: {} holds {rows}, counted from 0",
                dataset.name
            )));
        }
        let name = columns.group.and_then(|column| row.get(column));
        let name = name.map_or_else(|| alone.clone(), String::from);
        if !seen.insert((name.clone(), example)) {
            return Err(wrong(format!(
                "names training example {example} twice in group {}",
                quote::text(&name)
            )));
        }
        let changes = vec![(example, change)];
        match groups.iter_mut().find(|it| it.name == name) {
            Some(group) => group.changes.extend(changes),
            None => groups.push(WeightGroup { name, changes }),
        }
    }
    Ok(groups)
}

/// Where the columns stand.
struct Columns {
    train: usize,
    change: Option<usize>,
    group: Option<usize>,
}

impl Columns {
    fn of(head: &csv::StringRecord) -> Result<Self, String> {
        let column = |name: &str| head.iter().position(|it| it == name);
        let missing = || {
            format!(
                "has no column `{TRAIN}`: the first line names the columns, {TRAIN} with an index of a training example a line, and \
                 if you like {CHANGE} and {GROUP}"
            )
        };
        Ok(Self {
            train: column(TRAIN).ok_or_else(missing)?,
            change: column(CHANGE),
            group: column(GROUP),
        })
    }

    /// The example of a row, and what is added to its weight.
    fn change(&self, row: &csv::StringRecord) -> Result<(usize, f64), String> {
        let cell = |column: usize| row.get(column).unwrap_or_default();
        let named = |column, name: &str| format!("has `{}` for {name}", quote::text(cell(column)));
        let example = cell(self.train).parse().map_err(|_| {
            let found = named(self.train, TRAIN);
            format!("{found}: it must be an index of a training example from 0")
        })?;
        let Some(column) = self.change else {
            return Ok((example, -1.0));
        };
        let change = cell(column).parse().ok().filter(|it: &f64| it.is_finite());
        let change = change.ok_or_else(|| {
            let found = named(column, CHANGE);
            format!("{found}: it must be a number, -1 to remove the example, 1 to count it twice")
        })?;
        Ok((example, change))
    }
}

/// What makes no sense in all of it.
fn check(groups: &[WeightGroup], dataset: &Dataset) -> Result<(), String> {
    if groups.is_empty() {
        return Err("names no training example".into());
    }
    for group in groups {
        let name = quote::text(&group.name);
        let removal = group.removal(dataset.train.rows);
        if removal.is_none() {
            return Err(format!(
                "changes nothing in group {name}: all its weights stay"
            ));
        }
        if removal.takes_all(dataset.train.rows) {
            return Err(format!(
                "takes all {} training examples away in group {name}: at least one must stay",
                dataset.train.rows
            ));
        }
    }
    Ok(())
}

/// Says what was understood of the file `path`.
pub(super) fn tell(path: &Path, groups: &[WeightGroup]) {
    let all = groups.iter().flat_map(|it| &it.changes);
    let what = match all.clone().all(|it| it.1 == -1.0) {
        true => "which are removed".into(),
        false => {
            let sum: f64 = groups.iter().map(WeightGroup::weight_change).sum();
            format!("their weights change by {CHANGE}, {} in sum", brief(sum))
        }
    };
    let of = match groups.len() {
        1 => "one group".into(),
        several => format!("{} groups", count(several)),
    };
    say(format_args!(
        "{}: {of} of {}, {what}",
        quote::path(path),
        plural(all.count(), "training example")
    ));
}
