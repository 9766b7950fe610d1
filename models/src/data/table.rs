//! Tables, read with their target set apart.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::column::FeatureColumn;
use super::date::has_decimal_comma;
use super::error::DataError;
use super::header::{ColumnRole, Header};
use super::options::{LoadOptions, TaskKind};
use super::problem::{CellProblem, TableProblem};
use super::source::{At, Source};
use crate::quote;

/// What people write for a value they do not have.
const MISSING: [&str; 7] = ["na", "n/a", "nan", "null", "none", "?", "-"];

/// A table with its target column set apart.
pub(crate) struct Table {
    /// The file.
    path: PathBuf,
    /// The file that the later rows came from.
    appended: Option<Appended>,
    header: Header,
    /// Whether labels are names, whatever they look like.
    named: bool,
    /// What rows are counted as.
    counted: fn(u64) -> At,
    /// The columns that a network is to read.
    pub(crate) features: Vec<FeatureColumn>,
    /// Name of the target column.
    pub(crate) target: String,
    /// The target's text in each row; never empty or, unless classes were asked for, a sign for a missing value.
    pub(crate) labels: Vec<String>,
    /// The text of the column that tells the parts in each row, if there is one.
    pub(crate) parts: Vec<String>,
    /// The text of the column that names the examples in each row, if there is one.
    ids: Vec<String>,
    /// Where each row stands in its file.
    positions: Vec<u64>,
    /// What was made of the file, in sentences to show.
    pub(crate) notes: Vec<String>,
}

/// The file that the later rows of a table came from.
struct Appended {
    path: PathBuf,
    /// The first of them.
    first: usize,
    counted: fn(u64) -> At,
}

impl Table {
    /// One without rows, of a file whose columns have these names.
    pub(crate) fn new<'a>(
        path: &Path,
        names: impl Iterator<Item = &'a str>,
        counted: fn(u64) -> At,
        options: &LoadOptions,
    ) -> Result<Self, DataError> {
        let header = Header::of(names, options).map_err(|it| DataError::new(path, it))?;
        let named = |role| role == ColumnRole::Category;
        let columns = header.names.iter().zip(&header.roles);
        let features = columns.filter(|it| it.1.is_feature());
        Ok(Self {
            path: path.to_owned(),
            appended: None,
            named: options.task == Some(TaskKind::Classification),
            counted,
            features: features
                .map(|(name, &role)| FeatureColumn::new(name.clone(), named(role)))
                .collect(),
            target: header
                .with(|role| role == ColumnRole::Target)
                .cloned()
                .collect(),
            header,
            labels: Vec::new(),
            parts: Vec::new(),
            ids: Vec::new(),
            positions: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// One of columns of numbers, with the target's name and texts, whose rows follow each other in the file.
    pub(crate) fn of_columns(
        path: PathBuf,
        features: Vec<FeatureColumn>,
        (target, labels): (String, Vec<String>),
        counted: fn(u64) -> At,
    ) -> Self {
        Self {
            path,
            appended: None,
            header: Header {
                names: Vec::new(),
                roles: Vec::new(),
            },
            named: false,
            counted,
            features,
            target,
            parts: Vec::new(),
            ids: Vec::new(),
            positions: (0..labels.len() as u64).collect(),
            labels,
            notes: Vec::new(),
        }
    }

    /// Takes a row's cells, of which there are `found` and should be one for each column of the file; `position` is where
    /// it stands there.
    pub(crate) fn push<'a>(
        &mut self,
        (cells, found): (impl Iterator<Item = &'a str>, usize),
        position: u64,
    ) -> Result<(), DataError> {
        let expected = self.header.names.len();
        if found != expected {
            return Err(DataError::new(
                &self.path,
                TableProblem::FieldCount {
                    line: position,
                    found,
                    expected,
                },
            ));
        }
        let mut features = self.features.iter_mut();
        let columns = self.header.names.iter().zip(&self.header.roles);
        for (text, (column, &role)) in cells.zip(columns) {
            let cell = |(position, problem)| {
                cell_error(&self.path, (self.counted)(position), column, problem)
            };
            let name = match role {
                ColumnRole::Target => self.named,
                ColumnRole::Category | ColumnRole::Id => true,
                ColumnRole::Feature | ColumnRole::Part | ColumnRole::Ignored => false,
            };
            let missing = if name {
                text.is_empty()
            } else {
                is_missing(text)
            };
            if missing && role != ColumnRole::Ignored {
                let text = text.to_owned();
                return Err(cell((position, CellProblem::Missing { text })));
            }
            match role {
                ColumnRole::Feature | ColumnRole::Category => {
                    let feature = features.next().map(|it| it.push(text, position));
                    feature.unwrap_or(Ok(())).map_err(cell)?;
                }
                ColumnRole::Target => self.labels.push(text.to_owned()),
                ColumnRole::Part => self.parts.push(text.to_owned()),
                ColumnRole::Id => self.ids.push(text.to_owned()),
                ColumnRole::Ignored => {}
            }
        }
        self.positions.push(position);
        Ok(())
    }

    /// Takes the rows of another table of the same columns, in whatever order those are.
    pub(crate) fn append(&mut self, other: Self) -> Result<(), DataError> {
        let strangers = |problem| {
            DataError::new(
                &other.path,
                TableProblem::OtherColumns {
                    train: self.path.clone(),
                    problem,
                },
            )
        };
        let known = |name: &str| self.features.iter().any(|own| own.name == name);
        let stranger = other.features.iter().find(|it| !known(&it.name));
        let stranger = stranger.map(|it| it.name.clone());
        let mut others: HashMap<String, FeatureColumn> = other
            .features
            .into_iter()
            .map(|it| (it.name.clone(), it))
            .collect();
        for own in &mut self.features {
            let Some(column) = others.remove(&own.name) else {
                return Err(strangers(format!("it has no `{}`", quote::text(&own.name))));
            };
            own.append(column).map_err(strangers)?;
        }
        if let Some(name) = stranger {
            let name = quote::text(&name);
            return Err(strangers(format!("it has `{name}` beside them")));
        }
        self.appended = Some(Appended {
            path: other.path,
            first: self.labels.len(),
            counted: other.counted,
        });
        self.labels.extend(other.labels);
        self.ids.extend(other.ids);
        self.positions.extend(other.positions);
        Ok(())
    }

    /// The file of a row, and where it stands there.
    pub(crate) fn place(&self, row: usize) -> (&Path, At) {
        let (path, counted) = match &self.appended {
            Some(it) if row >= it.first => (&it.path, it.counted),
            _ => (&self.path, self.counted),
        };
        (path, counted(self.positions[row]))
    }

    /// Where the rows of the file stand, and those of the one to test on.
    pub(crate) fn sources(&self) -> [Source; 2] {
        let first = self.appended.as_ref().map(|it| it.first);
        let first = first.unwrap_or(self.labels.len());
        let (own, others) = self.positions.split_at(first);
        let (own_ids, other_ids) = self.ids.split_at(first.min(self.ids.len()));
        let source = |file: &Path, counted: fn(u64) -> At, positions: &[u64], ids: &[String]| {
            let file = file.to_owned();
            let rows = match counted(0) {
                At::Line(_) => Source::Lines {
                    file,
                    lines: positions.to_vec(),
                },
                At::Index(_) => Source::Idx { file },
                _ => Source::Rows { file },
            };
            rows.identified(ids.to_vec())
        };
        let train = source(&self.path, self.counted, own, own_ids);
        let test = match &self.appended {
            Some(it) => source(&it.path, it.counted, others, other_ids),
            None => train.clone(),
        };
        [train, test]
    }

    /// Whether a column of the file is read.
    pub(crate) fn reads(&self, column: usize) -> bool {
        self.header.roles[column] != ColumnRole::Ignored
    }

    /// The columns that were not read.
    pub(crate) fn ignored(&self) -> Vec<String> {
        let ignored = self.header.with(|role| role == ColumnRole::Ignored);
        ignored.cloned().collect()
    }

    /// What is wrong with the names of the examples, to be shown as a warning: nothing if all are different.
    pub(crate) fn repeated_id(&self) -> Option<String> {
        let mut rows: HashMap<&str, usize> = HashMap::new();
        let mut again = None;
        for (row, id) in self.ids.iter().enumerate() {
            let first = *rows.entry(id).or_insert(row);
            if first != row {
                again = again.or(Some((first, row)));
            }
        }
        let (first, second) = again?;
        let column: String = self
            .header
            .with(|role| role == ColumnRole::Id)
            .cloned()
            .collect();
        let at = |row| {
            let (file, at) = self.place(row);
            format!("{} {} {}", quote::path(file), at.name(), at.number())
        };
        Some(format!(
            "`{}` names {} examples by {} ids, for instance `{}` both {} and {}: tell them apart by their place, which stands beside",
            quote::text(&column),
            self.ids.len(),
            rows.len(),
            quote::text(&self.ids[first]),
            at(first),
            at(second)
        ))
    }

    /// The error of a target cell.
    pub(crate) fn target_error(&self, row: usize, problem: CellProblem) -> DataError {
        let (path, at) = self.place(row);
        cell_error(path, at, &self.target, problem)
    }

    /// The error of a cell that tells the part.
    pub(crate) fn part_error(&self, row: usize, column: &str) -> DataError {
        let text = self.parts[row].clone();
        let (path, at) = self.place(row);
        cell_error(path, at, column, CellProblem::NotAPart { text })
    }
}

/// A finite number that 32-bit floating point can hold.
pub(crate) fn number(text: &str) -> Result<f64, CellProblem> {
    let told = || text.to_owned();
    match text.parse::<f64>() {
        Ok(value) if value.abs() <= f64::from(f32::MAX) => Ok(value),
        Ok(_) => Err(CellProblem::NotFinite { text: told() }),
        Err(_) if has_decimal_comma(text) => Err(CellProblem::DecimalComma { text: told() }),
        Err(_) => Err(CellProblem::NotANumber { text: told() }),
    }
}

fn is_missing(text: &str) -> bool {
    text.is_empty() || MISSING.iter().any(|it| it.eq_ignore_ascii_case(text))
}

fn cell_error(path: &Path, at: At, column: &str, problem: CellProblem) -> DataError {
    let column = column.to_owned();
    DataError::new(
        path,
        match at {
            At::Line(line) => TableProblem::Cell {
                line,
                column,
                problem,
            },
            other => TableProblem::RowCell {
                row: other.number(),
                column,
                problem,
            },
        },
    )
}
