use std::collections::HashSet;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::{CellProblem, DataError};

/// What people write for a value they do not have.
const MISSING: [&str; 7] = ["na", "n/a", "nan", "null", "none", "?", "-"];

/// A CSV table with its target column set apart.
pub(crate) struct Table {
    /// Names of the feature columns.
    pub(crate) features: Vec<String>,
    /// Name of the target column.
    pub(crate) target: String,
    /// The features, row by row.
    pub(crate) values: Vec<f64>,
    /// The target's text in each row; never empty or a sign for a missing value.
    pub(crate) labels: Vec<String>,
    /// The line on which each row starts, counted from 1.
    pub(crate) lines: Vec<u64>,
}

impl Table {
    /// Parses a table; `path` is for errors.
    pub(crate) fn parse(
        bytes: &[u8],
        path: &Path,
        target: Option<&str>,
    ) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Csv {
            path: path.to_owned(),
            source,
        };
        let mut reader = ReaderBuilder::new()
            .flexible(true) // so that the error can name the line
            .trim(Trim::All)
            .from_reader(bytes);
        let columns = check_header(reader.headers().map_err(unreadable)?, path)?;
        let position = find_target(&columns, path, target)?;

        let mut table = Self {
            features: columns.clone(),
            target: columns[position].clone(),
            values: Vec::new(),
            labels: Vec::new(),
            lines: Vec::new(),
        };
        table.features.remove(position);
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let line = record.position().map_or(0, csv::Position::line);
            table.push(&record, &columns, position, line, path)?;
        }
        Ok(table)
    }

    fn push(
        &mut self,
        record: &StringRecord,
        columns: &[String],
        target: usize,
        line: u64,
        path: &Path,
    ) -> Result<(), DataError> {
        if record.len() != columns.len() {
            return Err(DataError::FieldCount {
                path: path.to_owned(),
                line,
                found: record.len(),
                expected: columns.len(),
            });
        }
        for (index, (text, column)) in record.iter().zip(columns).enumerate() {
            let cell = |problem| cell_error(path, line, column, problem);
            if is_missing(text) {
                return Err(cell(CellProblem::Missing {
                    text: text.to_owned(),
                }));
            } else if index == target {
                self.labels.push(text.to_owned());
            } else {
                self.values.push(number(text).map_err(cell)?);
            }
        }
        self.lines.push(line);
        Ok(())
    }

    /// The error of a target cell.
    pub(crate) fn target_error(&self, path: &Path, row: usize, problem: CellProblem) -> DataError {
        cell_error(path, self.lines[row], &self.target, problem)
    }
}

/// A finite number that 32-bit floating point can hold.
pub(crate) fn number(text: &str) -> Result<f64, CellProblem> {
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
        Ok(_) => Err(CellProblem::NotFinite {
            text: text.to_owned(),
        }),
        Err(_) => Err(CellProblem::NotANumber {
            text: text.to_owned(),
        }),
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || MISSING.contains(&text.to_lowercase().as_str())
}

fn cell_error(path: &Path, line: u64, column: &str, problem: CellProblem) -> DataError {
    DataError::Cell {
        path: path.to_owned(),
        line,
        column: column.to_owned(),
        problem,
    }
}

/// The columns' names, each present and different.
fn check_header(header: &StringRecord, path: &Path) -> Result<Vec<String>, DataError> {
    let path = path.to_owned();
    if header.is_empty() {
        return Err(DataError::EmptyTable { path });
    }
    if header.iter().all(|name| number(name).is_ok()) {
        return Err(DataError::NoHeader { path });
    }
    if let Some(unnamed) = header.iter().position(str::is_empty) {
        return Err(DataError::UnnamedColumn {
            path,
            column: unnamed + 1,
        });
    }
    let mut seen = HashSet::new();
    match header.iter().find(|&name| !seen.insert(name)) {
        Some(column) => Err(DataError::DuplicateColumn {
            path,
            column: column.to_owned(),
        }),
        None => Ok(header.iter().map(str::to_owned).collect()),
    }
}

/// The position of the target among the columns.
fn find_target(columns: &[String], path: &Path, target: Option<&str>) -> Result<usize, DataError> {
    let (path, columns) = (path.to_owned(), columns.to_vec());
    let Some(target) = target else {
        return Err(DataError::TargetNeeded { path, columns });
    };
    match columns.iter().position(|column| column == target) {
        Some(_) if columns.len() == 1 => Err(DataError::NoFeatures {
            path,
            target: target.to_owned(),
        }),
        Some(position) => Ok(position),
        None => Err(DataError::UnknownTarget {
            path,
            target: target.to_owned(),
            columns,
        }),
    }
}
