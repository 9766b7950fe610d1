//! What is wrong with a cell of a table.

use crate::quote;

/// What is wrong with a cell of a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CellProblem {
    /// It is empty or a sign for a missing value.
    #[error("{}", missing(.text))]
    Missing {
        /// The cell's text.
        text: String,
    },
    /// It is no number, in a column of numbers.
    #[error(
        "`{}` is text in a column of numbers; correct it, leave the column out, or say that it holds categories",
        quote::text(.text)
    )]
    NotANumber {
        /// The cell's text.
        text: String,
    },
    /// It is digits with a comma among them.
    #[error(
        "`{}` has a comma; write numbers with a decimal point and without separators of thousands, or say that the column holds categories",
        quote::text(.text)
    )]
    DecimalComma {
        /// The cell's text.
        text: String,
    },
    /// It is no number, in a target of numbers.
    #[error(
        "`{}` is text among numbers; correct it, or say that the task is classification",
        quote::text(.text)
    )]
    NameAmongNumbers {
        /// The cell's text.
        text: String,
    },
    /// It names no part of the data.
    #[error("`{}` is none of `train`, `valid` and `test`; correct it", quote::text(.text))]
    NotAPart {
        /// The cell's text.
        text: String,
    },
    /// It is infinite, or too large for 32-bit floating point.
    #[error("`{}` is not a finite 32-bit number; correct it or remove the line", quote::text(.text))]
    NotFinite {
        /// The cell's text.
        text: String,
    },
}

fn missing(text: &str) -> String {
    match text {
        "" => "the value is missing; fill it in or remove the line".to_owned(),
        text => format!(
            "`{}` marks a missing value; fill it in or remove the line, or say that the column holds categories, of which it is then one",
            quote::text(text)
        ),
    }
}
