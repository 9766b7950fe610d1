//! Records, tables and reports.

mod experiment_output;
mod output;
mod page;

/// A test's end.
type Outcome = Result<(), Box<dyn std::error::Error>>;
