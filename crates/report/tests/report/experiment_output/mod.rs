//! The experiments' files, tables and reports.

mod file;
mod groups;
mod record;
mod report;
mod summary;
mod table;

use crate::{Outcome, page};
