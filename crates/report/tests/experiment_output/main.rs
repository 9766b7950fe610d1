//! The experiments' files, tables and reports.

mod file;
#[path = "../page/mod.rs"]
mod page;
mod record;
mod report;
mod summary;
mod table;

/// A test's end.
type Outcome = Result<(), Box<dyn std::error::Error>>;
