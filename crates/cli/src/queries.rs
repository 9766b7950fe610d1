//! `--queries`: which test examples are asked about.

use std::{collections::HashSet, ops::RangeInclusive, str::FromStr};

use backdraft_models::data::Dataset;

use super::{CliError, memory::check_scores};

/// Some test examples by index, one of the parts that commas are between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Query {
    /// From one index to another, both included.
    Indices(RangeInclusive<usize>),
    All,
}

impl FromStr for Query {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "it must be indices counted from 0, ranges of them or all: 3,17 or 0-9,12 or all";
        let index = |text: &str| text.trim().parse::<usize>().map_err(|_| WRONG);
        if text.trim() == "all" {
            return Ok(Self::All);
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

/// The indices that were asked for, in that order; refuses what is not in the test set, or is there twice.
pub(super) fn indices(asked: &[Query], dataset: &Dataset) -> Result<Vec<usize>, CliError> {
    let len = dataset.test.rows;
    let ranges: Vec<RangeInclusive<usize>> = asked
        .iter()
        .map(|query| match query {
            Query::Indices(range) => range.clone(),
            Query::All => 0..=len.saturating_sub(1),
        })
        .collect();
    if let Some(range) = ranges.iter().find(|range| *range.end() >= len) {
        return Err(CliError::Query {
            index: (*range.start()).max(len),
            name: dataset.name.clone(),
            len,
        });
    }
    let mut seen = HashSet::new();
    let mut indices = Vec::new();
    for index in ranges.into_iter().flatten() {
        if !seen.insert(index) {
            return Err(CliError::Option {
                option: "--queries",
                problem: format!("names test example {index} twice"),
            });
        }
        indices.push(index);
    }
    check_scores(indices.len(), dataset.train.rows)?;
    Ok(indices)
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
        for wrong in ["", "-1", "1-", "9-0", "one", "1.5", "1-2-3", "All"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
