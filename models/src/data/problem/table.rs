//! What is wrong with a table.

use std::path::PathBuf;

use super::cell::CellProblem;
use crate::data::source::At;
use crate::quote;

/// What is wrong with a table.
#[derive(Debug, thiserror::Error)]
pub enum TableProblem {
    /// A table could not be parsed as CSV.
    #[error("not a readable CSV table ({}); save it as UTF-8 text with a comma between columns", quote::reason(.source))]
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
    #[error("there is no column `{target}` to predict; {}", there_are(.target, .columns), target = quote::text(.target))]
    UnknownTarget {
        /// The column asked for.
        target: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// The column that tells the parts does not exist, or is the target.
    #[error("there is no column `{column}` beside the target to tell the parts by; {}", there_are(.column, .columns), column = quote::text(.column))]
    UnknownSplit {
        /// The column asked for.
        column: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A column that something is asked of does not exist.
    #[error("there is no column `{column}` {asked}; {}", there_are(.column, .columns), column = quote::text(.column))]
    UnknownColumn {
        /// The column asked for.
        column: String,
        /// What for.
        asked: &'static str,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// A column is asked to be two things.
    #[error("the column `{column}` was asked for both {} and {}; name it once", .asked[0], .asked[1], column = quote::text(.column))]
    TwoRoles {
        /// The column.
        column: String,
        /// What it was asked for.
        asked: [&'static str; 2],
    },
    /// A Parquet file cannot be read.
    #[error(
        "not a readable Parquet file ({}); copy it again, or write it again, compressed by Snappy, gzip or Zstandard if at all",
        quote::reason(.reason)
    )]
    Parquet {
        /// What the parser found.
        reason: String,
    },
    /// A column holds lists, records or bytes.
    #[error("the column `{column}` holds lists, records or bytes, which are no single value; leave it out", column = quote::text(.column))]
    Nested {
        /// The column.
        column: String,
    },
    /// A column holds dates.
    #[error(
        "the column `{column}` holds dates or times, such as `{}`, which a network cannot read; leave it out, or turn it into numbers, \
         such as days since the first", quote::text(.text), column = quote::text(.column)
    )]
    Dates {
        /// The column.
        column: String,
        /// One of its values.
        text: String,
    },
    /// A column of texts has too many different ones to be categories.
    #[error(
        "the column `{column}` holds {categories} different texts in {rows} rows, more than categories are taken for unasked; leave it \
         out, name the examples by it if it is an id, or say that it holds categories", column = quote::text(.column)
    )]
    TooManyCategories {
        /// The column.
        column: String,
        /// Number of different texts.
        categories: usize,
        /// Number of rows.
        rows: usize,
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
    /// A cell of a table that has no lines cannot be used.
    #[error("row {row} (counted from 0), column `{column}`: {problem}", column = quote::text(.column))]
    RowCell {
        /// The row, counted from 0.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong.
        problem: CellProblem,
    },
    /// A class occurs in the test part alone.
    #[error(
        "{} {}, column `{column}`: no training example has the class `{class}`, so that no network can have learnt it; \
         correct or remove it", .at.name(), .at.number(), column = quote::text(.column), class = quote::text(.class)
    )]
    UnknownClass {
        /// Where it stands.
        at: At,
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

/// How alike two names are at least for one to be taken for a slip of the other, from 0 to 1.
const ALIKE: f64 = 0.5;

/// The columns there are, and the one that may have been meant.
fn there_are(asked: &str, columns: &[String]) -> String {
    let alike =
        |name: &String| strsim::normalized_levenshtein(&asked.to_lowercase(), &name.to_lowercase());
    let nearest = columns
        .iter()
        .max_by(|a, b| alike(a).total_cmp(&alike(b)))
        .filter(|name| alike(name) >= ALIKE);
    let meant = nearest.map_or_else(String::new, |name| {
        format!(" (did you mean `{}`?)", quote::text(name))
    });
    format!("the columns are {}{meant}", quote::list(columns))
}
