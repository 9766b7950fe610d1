//! The tests of this crate in one binary: each further one would link Burn anew.

mod arrays;
mod batches;
mod cifar;
mod embedded;
mod example_file;
mod idx;
mod losses;
mod models;
mod noise;
mod pictures;
mod resume;
mod tables;
mod text;
mod training;
mod weight_files;
mod weights;
mod workloads;

use backdraft_models::data::{DataError, DataProblem};

/// What is wrong with data that are not to be read.
fn problem<T>(found: Result<T, DataError>) -> Option<DataProblem> {
    found.err().map(|error| error.problem)
}
