//! Progress on the terminal.

use indicatif::{ProgressBar, ProgressStyle};

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
