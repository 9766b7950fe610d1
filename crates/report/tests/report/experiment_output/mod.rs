//! The experiments' files, tables and reports.

mod file;
mod groups;
mod record;
mod report;
mod summary;
mod table;
mod validation;

use crate::{Outcome, page};
