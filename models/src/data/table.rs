//! CSV tables, read with their target set apart.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};

use super::error::DataError;
use super::options::{LoadOptions, TaskKind};
use super::problem::{CellProblem, TableProblem};
use super::source::Source;

/// What people write for a value they do not have.
const MISSING: [&str; 7] = ["na", "n/a", "nan", "null", "none", "?", "-"];

/// A CSV table with its target column set apart.
pub(crate) struct Table {
    /// The file.
    path: PathBuf,
    /// The file that the later rows came from, and the first of them.
    appended: Option<(PathBuf, usize)>,
    /// Names of the feature columns.
    pub(crate) features: Vec<String>,
    /// Name of the target column.
    pub(crate) target: String,
    /// The features, row by row.
    pub(crate) values: Vec<f64>,
    /// The target's text in each row; never empty or, unless classes were asked for, a sign for a missing value.
    pub(crate) labels: Vec<String>,
    /// The text of the column that tells the parts in each row, if there is one.
    pub(crate) parts: Vec<String>,
    /// The line on which each row starts, counted from 1.
    pub(crate) lines: Vec<u64>,
}

/// What a column is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ColumnRole {
    Feature,
    Target,
    Part,
}

impl Table {
    /// Parses a table; `path` is for errors.
    pub(crate) fn parse(
        bytes: &[u8],
        path: &Path,
        options: &LoadOptions,
    ) -> Result<Self, DataError> {
        let refused = |problem| DataError::new(path, problem);
        let unreadable = |source| refused(TableProblem::Csv { source });
        // The parser leaves a byte order mark out of its count of bytes.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = ReaderBuilder::new()
            .flexible(true) // so that the error can name the line
            .trim(Trim::All)
            .from_reader(bytes);
        let columns = check_header(reader.headers().map_err(unreadable)?).map_err(refused)?;
        let roles = roles(&columns, options).map_err(refused)?;
        let with = |role| {
            let named = columns.iter().zip(&roles).filter(move |it| *it.1 == role);
            named.map(|(name, _)| name.clone())
        };
        let mut table = Self {
            path: path.to_owned(),
            appended: None,
            features: with(ColumnRole::Feature).collect(),
            target: with(ColumnRole::Target).collect(),
            values: Vec::new(),
            labels: Vec::new(),
            parts: Vec::new(),
            lines: Vec::new(),
        };
        let named = options.task == Some(TaskKind::Classification);
        let mut lines = LineNumbers::of(bytes);
        for record in reader.records() {
            let record = record.map_err(unreadable)?;
            let byte = record.position().map_or(0, csv::Position::byte);
            let line = lines.at(byte as usize);
            table.push(&record, &columns, &roles, named, line)?;
        }
        Ok(table)
    }

    /// Takes a line's cells. `named` says that labels are names, whatever they look like.
    fn push(
        &mut self,
        record: &StringRecord,
        columns: &[String],
        roles: &[ColumnRole],
        named: bool,
        line: u64,
    ) -> Result<(), DataError> {
        if record.len() != columns.len() {
            return Err(DataError::new(
                &self.path,
                TableProblem::FieldCount {
                    line,
                    found: record.len(),
                    expected: columns.len(),
                },
            ));
        }
        for ((text, column), &role) in record.iter().zip(columns).zip(roles) {
            let cell = |problem| cell_error(&self.path, line, column, problem);
            let name = named && role == ColumnRole::Target && !text.is_empty();
            if is_missing(text) && !name {
                return Err(cell(CellProblem::Missing {
                    text: text.to_owned(),
                }));
            }
            match role {
                ColumnRole::Feature => self.values.push(number(text).map_err(cell)?),
                ColumnRole::Target => self.labels.push(text.to_owned()),
                ColumnRole::Part => self.parts.push(text.to_owned()),
            }
        }
        self.lines.push(line);
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
        let place = |name: &String| {
            let found = other.features.iter().position(|column| column == name);
            found.ok_or_else(|| strangers(format!("it has no `{name}`")))
        };
        let places: Vec<usize> = self.features.iter().map(place).collect::<Result<_, _>>()?;
        let known = |name: &&String| !self.features.contains(name);
        if let Some(name) = other.features.iter().find(known) {
            return Err(strangers(format!("it has `{name}` beside them")));
        }
        for row in other.values.chunks_exact(places.len()) {
            self.values.extend(places.iter().map(|&place| row[place]));
        }
        self.appended = Some((other.path, self.labels.len()));
        self.labels.extend(other.labels);
        self.lines.extend(other.lines);
        Ok(())
    }

    /// The file and the line of a row.
    pub(crate) fn place(&self, row: usize) -> (&Path, u64) {
        let path = match &self.appended {
            Some((path, first)) if row >= *first => path,
            _ => &self.path,
        };
        (path, self.lines[row])
    }

    /// The lines of the file, and of the one to test on.
    pub(crate) fn sources(&self) -> [Source; 2] {
        let rows = self.appended.as_ref().map(|(_, first)| *first);
        let (own, others) = self.lines.split_at(rows.unwrap_or(self.lines.len()));
        let lines = |file: &PathBuf, lines: &[u64]| Source::Lines {
            file: file.clone(),
            lines: lines.to_vec(),
        };
        let train = lines(&self.path, own);
        let test = match &self.appended {
            Some((file, _)) => lines(file, others),
            None => train.clone(),
        };
        [train, test]
    }

    /// The error of a target cell.
    pub(crate) fn target_error(&self, row: usize, problem: CellProblem) -> DataError {
        let (path, line) = self.place(row);
        cell_error(path, line, &self.target, problem)
    }

    /// The error of a cell that tells the part.
    pub(crate) fn part_error(&self, row: usize, column: &str) -> DataError {
        let text = self.parts[row].clone();
        cell_error(
            &self.path,
            self.lines[row],
            column,
            CellProblem::NotAPart { text },
        )
    }
}

/// Lines as an editor counts them, from 1; the parser counts an empty line to the record after it.
struct LineNumbers<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineNumbers<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            line: 1,
        }
    }

    /// The line of the first byte from `start` on that ends no line. `start` never goes back.
    fn at(&mut self, start: usize) -> u64 {
        while let Some(&byte) = self.bytes.get(self.at) {
            let ends = match byte {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            if self.at >= start && byte != b'\n' && byte != b'\r' {
                break;
            }
            self.line += u64::from(ends);
            self.at += 1;
        }
        self.line
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
    DataError::new(
        path,
        TableProblem::Cell {
            line,
            column: column.to_owned(),
            problem,
        },
    )
}

/// The columns' names, each present and different.
fn check_header(header: &StringRecord) -> Result<Vec<String>, TableProblem> {
    if header.is_empty() {
        return Err(TableProblem::Empty);
    }
    if header.iter().all(|name| number(name).is_ok()) {
        return Err(TableProblem::NoHeader);
    }
    if let Some(unnamed) = header.iter().position(str::is_empty) {
        return Err(TableProblem::UnnamedColumn {
            column: unnamed + 1,
        });
    }
    let mut seen = HashSet::new();
    match header.iter().find(|&name| !seen.insert(name)) {
        Some(column) => Err(TableProblem::DuplicateColumn {
            column: column.to_owned(),
        }),
        None => Ok(header.iter().map(str::to_owned).collect()),
    }
}

/// What each column is for.
fn roles(columns: &[String], options: &LoadOptions) -> Result<Vec<ColumnRole>, TableProblem> {
    let names = columns.to_vec();
    let Some(target) = &options.target else {
        let columns = names;
        return Err(TableProblem::TargetNeeded { columns });
    };
    let mut roles = vec![ColumnRole::Feature; columns.len()];
    let position = |name: &String| columns.iter().position(|column| column == name);
    let Some(place) = position(target) else {
        return Err(TableProblem::UnknownTarget {
            target: target.clone(),
            columns: names,
        });
    };
    roles[place] = ColumnRole::Target;
    if let Some(split) = &options.split {
        match position(split) {
            Some(place) if roles[place] == ColumnRole::Feature => roles[place] = ColumnRole::Part,
            _ => {
                return Err(TableProblem::UnknownSplit {
                    column: split.clone(),
                    columns: names,
                });
            }
        }
    }
    if !roles.contains(&ColumnRole::Feature) {
        let target = target.clone();
        return Err(TableProblem::NoFeatures { target });
    }
    Ok(roles)
}
