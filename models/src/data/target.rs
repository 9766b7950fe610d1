use std::collections::BTreeSet;
use std::path::Path;

use super::error::{CellProblem, DataError};
use super::table::{Table, number};

/// Integers with more different values than this are numbers rather than classes.
const MAX_INTEGER_CLASSES: usize = 20;

/// A target column, understood.
pub(crate) enum Target {
    /// Class indices, and the classes' names.
    Classes {
        classes: Vec<i64>,
        names: Vec<String>,
    },
    /// Numbers.
    Values(Vec<f64>),
}

impl Target {
    /// Tells classes from numbers, and says why in a sentence.
    pub(crate) fn infer(table: &Table, path: &Path) -> Result<(Self, String), DataError> {
        let rows = table.labels.len();
        let column = &table.target;
        let parsed: Vec<Result<f64, CellProblem>> =
            table.labels.iter().map(|label| number(label)).collect();
        if parsed.iter().all(is_text) {
            let names: BTreeSet<String> = table.labels.iter().cloned().collect();
            let count = names.len();
            if count * 2 > rows {
                return Err(DataError::TooManyLabels {
                    path: path.to_owned(),
                    column: column.clone(),
                    labels: count,
                    rows,
                });
            }
            let names: Vec<String> = names.into_iter().collect();
            let classes = index(&table.labels, &names);
            let reason = format!("`{column}` holds {count} different texts: classification");
            return Ok((Self::Classes { classes, names }, reason));
        }
        let values = parsed
            .into_iter()
            .enumerate()
            .map(|(row, value)| value.map_err(|problem| table.target_error(path, row, problem)))
            .collect::<Result<Vec<f64>, DataError>>()?;
        if values.iter().any(|value| value.fract() != 0.0) {
            let reason = format!("`{column}` holds numbers with fractions: regression");
            return Ok((Self::Values(values), reason));
        }
        let mut different = values.clone();
        different.sort_by(f64::total_cmp);
        different.dedup();
        let count = different.len();
        if count <= MAX_INTEGER_CLASSES && count * 2 < rows {
            let classes = index(&values, &different);
            let names = different.iter().map(f64::to_string).collect();
            let reason = format!(
                "`{column}` holds {count} different integers in {rows} rows: classification"
            );
            Ok((Self::Classes { classes, names }, reason))
        } else {
            let reason =
                format!("`{column}` holds {count} different integers in {rows} rows: regression");
            Ok((Self::Values(values), reason))
        }
    }
}

fn is_text(value: &Result<f64, CellProblem>) -> bool {
    matches!(value, Err(CellProblem::NotANumber { .. }))
}

/// The position of each value among the different values there are.
fn index<T: PartialEq>(values: &[T], different: &[T]) -> Vec<i64> {
    values
        .iter()
        .map(|value| different.iter().position(|other| other == value))
        .map(|position| position.expect("every value is among the different ones") as i64)
        .collect()
}
