//! `backdraft illustrate`: pictures of what is behind the terms of influence functions.

mod args;
mod boundary;
mod drawn;
mod homotopy;
mod warm_start;

pub(crate) use args::Illustrate;

use super::CliError;

/// Runs `backdraft illustrate`.
pub(super) fn illustrate(args: &Illustrate) -> Result<(), CliError> {
    match args {
        Illustrate::Homotopy(args) => homotopy::run(args),
        Illustrate::WarmStart(args) => warm_start::run(args),
        Illustrate::Boundary(args) => boundary::run(args),
    }
}
