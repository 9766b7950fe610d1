//! What is wrong with a table.

use std::path::PathBuf;

use super::cell::CellProblem;
use crate::quote;

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum TableProblem {
    /// A table could not be parsed as CSV.
    #[error("not a readable CSV table ({}); save it as comma-separated UTF-8 text", quote::reason(.source))]
    Csv {
        /// What the parser found.
        source: csv::Error,
    },
    /// A table has no line at all.
    #[error(
        "the file is empty; it needs a header line with column names and one line for each example"
    )]
    Empty,
    /// The first line holds numbers.
    #[error("line 1 holds only numbers; put a header line with the columns' names above the data")]
    NoHeader,
    /// A column has no name.
    #[error("column {column} (counted from 1) has no name in the header; give every column one")]
    UnnamedColumn {
        /// The column, counted from 1.
        column: usize,
    },
    /// Two columns have one name.
    #[error("the header names two columns `{column}`; give every column its own name", column = quote::text(.column))]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// No target column was named.
    #[error("say which column is to be predicted; the columns are {}", quote::list(.columns))]
    TargetNeeded {
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The target column does not exist.
    #[error("there is no column `{target}` to predict; the columns are {}", quote::list(.columns), target = quote::text(.target))]
    UnknownTarget {
        /// The column asked for.
        target: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The column that tells the parts does not exist, or is the target.
    #[error("there is no column `{column}` beside the target to tell the parts by; the columns are {}", quote::list(.columns), column = quote::text(.column))]
    UnknownSplit {
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The table to test on has other columns than the one to train on.
    #[error("its columns are not those of {}: {problem}", quote::path(.train))]
    OtherColumns {
        /// The file to train on.
        train: PathBuf,
        /// What differs.
        problem: String,
    },
    /// The target is the only column.
    #[error("`{target}` is the only column; a table needs at least one other column to predict it from, separated by commas", target = quote::text(.target))]
    NoFeatures {
        /// The target column.
        target: String,
    },
    /// A line has too few or too many fields.
    #[error(
        "line {line} has {found} field(s), the header has {expected}; correct or remove the line"
    )]
    FieldCount {
        /// The line, counted from 1.
        line: u64,
        /// Fields in the line.
        found: usize,
        /// Fields in the header.
        expected: usize,
    },
    /// A cell cannot be used.
    #[error("line {line}, column `{column}`: {problem}", column = quote::text(.column))]
    Cell {
        /// The line, counted from 1.
        line: u64,
        /// The column.
        column: String,
        /// What is wrong.
        problem: CellProblem,
    },
    /// A class occurs in the test part alone.
    #[error(
        "line {line}, column `{column}`: no training example has the class `{class}`, so that no network can have learnt it; \
         correct or remove the line", column = quote::text(.column), class = quote::text(.class)
    )]
    UnknownClass {
        /// The line, counted from 1.
        line: u64,
        /// The target column.
        column: String,
        /// The class.
        class: String,
    },
    /// A text target has too many different values to be classes.
    #[error(
        "the target `{column}` holds {labels} different texts in {rows} rows, neither numbers nor classes; choose \
         another target, or say that the task is classification",
        column = quote::text(.column)
    )]
    TooManyLabels {
        /// The target column.
        column: String,
        /// Number of different texts.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
}
