//! Progress on the terminal.

use std::{
    fmt::Display,
    io::{self, Write},
};

use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line. A reader that has gone away (`| head`) is no reason to stop: what counts is in the run's folder.
pub(super) fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// Prints a warning to standard error, whether or not anyone listens.
pub(super) fn warn(line: impl Display) {
    let _ = writeln!(io::stderr(), "warning: {line}");
}

/// A bar of `length` steps on standard error, with the time left; nothing where that is not a terminal.
pub(super) fn bar(title: &'static str, length: u64) -> ProgressBar {
    const TEMPLATE: &str = "{prefix:9} {wide_bar} {pos}/{len} {msg} {eta}";
    let bar = ProgressBar::new(length).with_prefix(title);
    // The template is a constant: it either always parses or never.
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
