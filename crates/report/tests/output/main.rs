//! A run's folder: its files' contents, and that they are complete or absent.

mod folder;
#[path = "../page/mod.rs"]
mod page;
mod record;
mod report;
mod samples;
mod scores;

type Outcome = Result<(), Box<dyn std::error::Error>>;
