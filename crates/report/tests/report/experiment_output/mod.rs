//! The experiments' files, tables and reports.

mod file;
mod record;
mod report;
mod summary;
mod table;

use crate::{Outcome, page};
