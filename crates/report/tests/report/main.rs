//! Records, tables and reports.

mod experiment_output;
mod output;
mod page;

use backdraft_test_support::Outcome;
