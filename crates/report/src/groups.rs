//! `groups.csv`: what changing the weights of groups of training examples does.

use serde::{Deserialize, Serialize};

use super::number::change;
use super::top::query_cell;
use super::{OutputError, SolveRecord, aligned, brief};

/// The file's name.
pub const GROUPS_FILE: &str = "groups.csv";

/// A group of training examples whose weights are changed together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupRecord {
    /// What it is called.
    pub name: String,
    /// How many examples it has.
    pub examples: usize,
    /// What is added to their weights, in sum; each counts 1 as it is, and -1 removes it.
    pub weight_change: f64,
    /// How its linear system was solved.
    pub solve: SolveRecord,
    /// The Euclidean norm of the predicted change of the parameters.
    pub parameter_change: f64,
    /// What it does to each query, in the order of the scores' rows.
    pub changes: Vec<GroupPair>,
    /// Why the actual changes are not known, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

/// What a change of weights does to what is measured of one query, in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupPair {
    /// Test index of the query; none for the mean over all.
    pub query: Option<usize>,
    /// The predicted change, to first order in the weights.
    pub predicted: f64,
    /// The Newton estimate of it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newton: Option<f64>,
    /// The change found by training the response function to convergence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<f64>,
}

/// A row for each group and query, `group,examples,weight_change,query,predicted,newton,actual`; empty where it is not
/// known. Changes are in the unit that `run.json` names.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn groups_csv(groups: &[GroupRecord]) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(GROUPS_FILE, reason);
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: &[String]| {
        let done = table.write_record(cells);
        done.map_err(|error| refused(error.to_string()))
    };
    write(&HEAD.map(String::from))?;
    let known = |value: Option<f64>| value.map_or_else(String::new, |it| format!("{it:?}"));
    for group in groups {
        for pair in &group.changes {
            write(&[
                group.name.clone(),
                group.examples.to_string(),
                brief(group.weight_change),
                query_cell(pair.query),
                format!("{:?}", pair.predicted),
                known(pair.newton),
                known(pair.actual),
            ])?;
        }
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}

/// The columns of tables of groups.
pub(super) const HEAD: [&str; 7] = [
    "group",
    "examples",
    "weight_change",
    "query",
    "predicted",
    "newton",
    "actual",
];

/// A row's cells for a reader.
pub(super) fn cells(group: &GroupRecord, pair: &GroupPair) -> [String; 7] {
    let known = |value: Option<f64>| value.map_or_else(|| "–".into(), change);
    [
        group.name.clone(),
        group.examples.to_string(),
        brief(group.weight_change),
        query_cell(pair.query),
        change(pair.predicted),
        known(pair.newton),
        known(pair.actual),
    ]
}

/// Rows that are shown.
const ROWS: usize = 100;

/// The groups in aligned columns, of a hundred rows at most, and what failed. Ends with a newline.
pub fn groups_table(groups: &[GroupRecord]) -> String {
    let mut rows = vec![HEAD.map(String::from).to_vec()];
    let all = groups
        .iter()
        .flat_map(|group| group.changes.iter().map(move |pair| (group, pair)));
    rows.extend(
        all.clone()
            .take(ROWS)
            .map(|(group, pair)| cells(group, pair).to_vec()),
    );
    let mut text = aligned(&rows, &[0]);
    if let more @ 1.. = all.count().saturating_sub(ROWS) {
        text.push_str(&format!("and {more} more rows\n"));
    }
    for group in groups {
        if let Some(reason) = &group.failed {
            text.push_str(&format!("no response to group {}: {reason}\n", group.name));
        }
    }
    text
}
