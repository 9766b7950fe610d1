//! Records, tables and reports.

mod bayes;
mod experiment_output;
mod output;
mod page;

use backdraft_test_support::Outcome;
