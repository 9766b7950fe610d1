//! `--queries`: which test examples are asked about, each by itself or all in the mean.

use std::{collections::HashSet, ops::RangeInclusive, path::PathBuf, str::FromStr};

use backdraft_curvature::{Cost, CurvatureError};
use backdraft_models::data::Dataset;
use burn::tensor::Tensor;
use serde::{Serialize, Serializer};

use super::{CliError, memory::check_scores, query_file};
use backdraft_report::count;

/// Queries picked where none are named.
const QUERIES: usize = 3;

/// Some test examples by index, one of the parts that commas are between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// From one index to another, both included.
    Indices(RangeInclusive<usize>),
    /// The mean over all.
    All,
    /// Those that a file lists.
    File(PathBuf),
}

impl FromStr for Query {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it must be indices counted from 0, ranges of them or all: 3,17 or 0-9,12 or all; or a file that lists them: ./FILE";
        let index = |text: &str| text.trim().parse::<usize>().map_err(|_| WRONG);
        if text.trim() == "all" {
            return Ok(Self::All);
        }
        if is_file_name(text) {
            return Ok(Self::File(text.into()));
        }
        match text.split_once('-') {
            None => index(text).map(|it| Self::Indices(it..=it)),
            Some((first, last)) => {
                let range = index(first)?..=index(last)?;
                match range.is_empty() {
                    true => Err("a range goes from the lower index to the higher"),
                    false => Ok(Self::Indices(range)),
                }
            }
        }
    }
}

/// Whether it is no number, and looks like the name of a file: with an ending, or a folder before it.
fn is_file_name(text: &str) -> bool {
    text.contains(char::is_alphabetic) && text.contains(['.', '/', '\\'])
}

/// The test examples that are asked about: a row of scores for each, or one for their mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct QueryRows {
    indices: Vec<usize>,
    mean: bool,
}

impl QueryRows {
    /// Each by itself.
    pub fn each(indices: Vec<usize>) -> Self {
        let mean = false;
        Self { indices, mean }
    }

    /// What was asked for, in that order; refuses what is not in the test set, or is there twice.
    pub fn of(asked: &[Query], dataset: &Dataset) -> Result<Self, CliError> {
        let rows = Self::named(asked, dataset)?;
        check_scores(rows.count(), dataset.train.rows)?;
        Ok(rows)
    }

    /// The same, however many there are: where their scores are never all held.
    pub fn named(asked: &[Query], dataset: &Dataset) -> Result<Self, CliError> {
        Ok(match asked {
            [Query::All] => Self {
                indices: (0..dataset.test.rows).collect(),
                mean: true,
            },
            _ => Self::each(indices(asked, dataset)?),
        })
    }

    /// The first `count` rows.
    pub fn first(&self, count: usize) -> Self {
        let mut first = self.clone();
        if !self.mean {
            first.indices.truncate(count);
        }
        first
    }

    /// The same for `command`, which asks about one test example at a time: refuses the mean over all.
    pub fn each_of(asked: &[Query], dataset: &Dataset, command: &str) -> Result<Self, CliError> {
        match asked {
            [Query::All] => Err(CliError::Option {
                option: "--queries",
                problem: format!(
                    "all is the mean over the test set, and {command} asks about one example at a time: take 0-{} for each",
                    dataset.test.rows.saturating_sub(1)
                ),
            }),
            _ => Self::of(asked, dataset),
        }
    }

    /// The test examples.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }

    /// Of how many test examples the row is the mean, if it is one.
    pub fn mean_over(&self) -> Option<usize> {
        self.mean.then_some(self.indices.len())
    }

    /// Rows of scores.
    pub fn count(&self) -> usize {
        if self.mean { 1 } else { self.indices.len() }
    }

    /// The test example that a row is of; none for the mean.
    pub fn index(&self, row: usize) -> Option<usize> {
        (!self.mean).then(|| self.indices[row])
    }

    /// What a row is called.
    pub fn name(&self, row: usize) -> String {
        match self.mean_over() {
            Some(examples) => format!("the mean over {} test examples", count(examples)),
            None => format!("query {}", self.indices[row]),
        }
    }

    /// The gradient of what is measured for a row; the losses of `measured` are what is measured of each example.
    pub fn gradient(&self, measured: &Cost, row: usize) -> Result<Tensor<1>, CurvatureError> {
        match self.mean {
            true => measured.gradient(),
            false => measured.select(&[row])?.gradient(),
        }
    }
}

impl Serialize for QueryRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.mean {
            true => serializer.serialize_str("all"),
            false => self.indices.serialize(serializer),
        }
    }
}

/// Training examples by index, in the order in which they were asked for with `--examples`; refuses what is not in the
/// training part, or is there twice.
pub(super) fn training_examples(
    asked: &[Query],
    dataset: &Dataset,
) -> Result<Vec<usize>, CliError> {
    let (option, rows) = ("--examples", dataset.train.rows);
    let refuse = |problem| CliError::Option { option, problem };
    if asked.contains(&Query::All) {
        let problem = format!(
            "has all: name training examples, such as 0-{} for each of them",
            rows.saturating_sub(1)
        );
        return Err(refuse(problem));
    }
    let asked = expanded(asked, option, ("training", rows))?;
    listed(&asked, rows, (option, "training"), |index| {
        let name = &dataset.name;
        refuse(format!(
            "names training example {index}: {name} holds {rows}, counted from 0"
        ))
    })
}

/// Test examples.
fn indices(asked: &[Query], dataset: &Dataset) -> Result<Vec<usize>, CliError> {
    let len = dataset.test.rows;
    if asked.contains(&Query::All) {
        return Err(CliError::Option {
            option: "--queries",
            problem: format!(
                "has all, the mean over the whole test set, beside others: name it alone, or 0-{} for each test example",
                len.saturating_sub(1)
            ),
        });
    }
    let asked = expanded(asked, "--queries", ("test", len))?;
    listed(&asked, len, ("--queries", "test"), |index| {
        CliError::Query {
            index,
            name: dataset.name.clone(),
            len,
        }
    })
}

/// With what files list in the place of their names.
fn expanded(
    asked: &[Query],
    option: &'static str,
    part: (&str, usize),
) -> Result<Vec<Query>, CliError> {
    let mut all = Vec::with_capacity(asked.len());
    for query in asked {
        match query {
            Query::File(path) => {
                let listed = query_file::read(path, option, part)?;
                all.extend(listed.into_iter().map(Query::Indices));
            }
            other => all.push(other.clone()),
        }
    }
    Ok(all)
}

/// Indices below `len`, each once; `beyond` is the error of one that is not.
fn listed(
    asked: &[Query],
    len: usize,
    (option, part): (&'static str, &str),
    beyond: impl Fn(usize) -> CliError,
) -> Result<Vec<usize>, CliError> {
    let (mut seen, mut indices) = (HashSet::new(), Vec::new());
    for query in asked {
        let Query::Indices(range) = query else {
            continue;
        };
        if *range.end() >= len {
            return Err(beyond((*range.start()).max(len)));
        }
        for index in range.clone() {
            if !seen.insert(index) {
                let problem = format!("names {part} example {index} twice");
                return Err(CliError::Option { option, problem });
            }
            indices.push(index);
        }
    }
    Ok(indices)
}

/// Rows of scores, of the queries named or of those that are picked.
pub(super) fn rows(named: Option<&QueryRows>, dataset: &Dataset) -> usize {
    named.map_or(QUERIES.min(dataset.test.rows), QueryRows::count)
}

/// The queries named, or the test examples with the highest of `losses`.
pub(super) fn chosen(named: Option<&QueryRows>, losses: &[f64]) -> QueryRows {
    if let Some(queries) = named {
        return queries.clone();
    }
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]));
    order.truncate(QUERIES);
    QueryRows::each(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_ranges_and_all_are_read() {
        let read = |text: &str| text.parse::<Query>();
        assert_eq!(read("12"), Ok(Query::Indices(12..=12)));
        assert_eq!(read("0-9"), Ok(Query::Indices(0..=9)));
        assert_eq!(read("4-4"), Ok(Query::Indices(4..=4)));
        assert_eq!(read("all"), Ok(Query::All));
        for file in ["queries.csv", "./list", "lists/1"] {
            assert_eq!(read(file), Ok(Query::File(file.into())));
        }
        for wrong in ["", "-1", "1-", "9-0", "one", "1.5", "1-2-3", "All"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
