//! Target columns: classes or numbers.

use std::collections::BTreeSet;
use std::path::Path;

use super::date::is_date;
use super::error::DataError;
use super::moments::Moments;
use super::options::{LoadOptions, TaskKind};
use super::problem::{CellProblem, TableProblem};
use super::scaling::{Rescale, Scaling, ScalingProblem};
use super::table::{Table, number};
use crate::number::brief;
use crate::quote;

/// Integers with more different values than this are numbers rather than classes.
const MAX_INTEGER_CLASSES: usize = 20;

/// A target column, understood.
pub(crate) enum TableTarget {
    /// Class indices, and the classes' names.
    Classes {
        classes: Vec<i64>,
        names: Vec<String>,
    },
    /// Numbers.
    Values(Vec<f64>),
}

impl TableTarget {
    /// What the target is taken for: what was asked, or what it looks like. Says why in a sentence.
    pub(crate) fn of(
        table: &Table,
        asked: Option<TaskKind>,
        path: &Path,
    ) -> Result<(Self, String), DataError> {
        let parsed: Vec<Result<f64, CellProblem>> =
            table.labels.iter().map(|label| number(label)).collect();
        match asked {
            None => Self::infer(table, parsed, path),
            Some(TaskKind::Regression) => {
                let values = values(table, parsed)?;
                let column = quote::text(&table.target);
                let reason = format!("`{column}` is a number: regression, as asked for");
                Ok((Self::Values(values), reason))
            }
            Some(TaskKind::Classification) => {
                let numbers: Result<Vec<f64>, CellProblem> = parsed.into_iter().collect();
                let classes = match numbers {
                    Ok(values) => Self::of_numbers(&values),
                    Err(_) => Self::of_texts(&table.labels),
                };
                let count = classes.names().len();
                let reason = format!(
                    "`{}` holds {count} different values: classification, as asked for",
                    quote::text(&table.target)
                );
                Ok((classes, reason))
            }
        }
    }

    /// Tells classes from numbers.
    fn infer(
        table: &Table,
        parsed: Vec<Result<f64, CellProblem>>,
        path: &Path,
    ) -> Result<(Self, String), DataError> {
        let rows = table.labels.len();
        let column = quote::text(&table.target);
        if table.labels.iter().all(|label| is_date(label)) && !table.labels.is_empty() {
            return Err(DataError::new(
                path,
                TableProblem::Dates {
                    column: table.target.clone(),
                    text: table.labels[0].clone(),
                },
            ));
        }
        if parsed.iter().all(is_text) {
            let classes = Self::of_texts(&table.labels);
            let count = classes.names().len();
            if count * 2 > rows {
                return Err(DataError::new(
                    path,
                    TableProblem::TooManyLabels {
                        column: table.target.clone(),
                        labels: count,
                        rows,
                    },
                ));
            }
            let reason = format!("`{column}` holds {count} different texts: classification");
            return Ok((classes, reason));
        }
        let named = |problem| match problem {
            CellProblem::NotANumber { text } => CellProblem::NameAmongNumbers { text },
            other => other,
        };
        let parsed = parsed.into_iter().map(|value| value.map_err(named));
        let values = values(table, parsed.collect())?;
        if values.iter().any(|value| value.fract() != 0.0) {
            let reason = format!("`{column}` holds numbers with fractions: regression");
            return Ok((Self::Values(values), reason));
        }
        let classes = Self::of_numbers(&values);
        let count = classes.names().len();
        let holds = format!("`{column}` holds {count} different integers in {rows} rows");
        if count <= MAX_INTEGER_CLASSES && count * 2 < rows {
            Ok((classes, format!("{holds}: classification")))
        } else {
            Ok((Self::Values(values), format!("{holds}: regression")))
        }
    }

    /// Classes in alphabetical order.
    fn of_texts(labels: &[String]) -> Self {
        let names: BTreeSet<&String> = labels.iter().collect();
        let names: Vec<String> = names.into_iter().cloned().collect();
        let classes = index(labels, |label| names.binary_search(label));
        Self::Classes { classes, names }
    }

    /// Classes in numerical order.
    fn of_numbers(values: &[f64]) -> Self {
        // Zero has two signs, and is one class.
        let values: Vec<f64> = values.iter().map(|&value| value + 0.0).collect();
        let mut different = values.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let classes = index(&values, |value| {
            different.binary_search_by(|other| other.total_cmp(value))
        });
        Self::Classes {
            classes,
            names: different.iter().map(|&value| brief(value)).collect(),
        }
    }

    fn names(&self) -> &[String] {
        match self {
            Self::Classes { names, .. } => names,
            Self::Values(_) => &[],
        }
    }
}

/// How a regression's targets are scaled, by the numbers of those that `options` has the moments of.
pub(crate) fn target_scaling(
    measured: &[f64],
    options: &LoadOptions,
) -> Result<Scaling, ScalingProblem> {
    let asked = options.targets.as_ref().unwrap_or(&Rescale::Standardised);
    let measured = measured.iter().copied();
    Scaling::settle((asked, options.moments), 1, "targets", |rule| {
        vec![Moments::by(rule, measured.clone())]
    })
}

/// The target's numbers.
fn values(table: &Table, parsed: Vec<Result<f64, CellProblem>>) -> Result<Vec<f64>, DataError> {
    let parsed = parsed.into_iter().enumerate();
    parsed
        .map(|(row, value)| value.map_err(|problem| table.target_error(row, problem)))
        .collect()
}

fn is_text(value: &Result<f64, CellProblem>) -> bool {
    matches!(value, Err(CellProblem::NotANumber { .. }))
}

/// The position of each value among the different values there are.
fn index<T>(values: &[T], find: impl Fn(&T) -> Result<usize, usize>) -> Vec<i64> {
    let position = |value| find(value).expect("every value is among the different ones");
    values.iter().map(|value| position(value) as i64).collect()
}
