//! Why data could not be loaded.

use std::path::{Path, PathBuf};

use super::problem::DataProblem;
use super::refusal::Refusal;
use crate::quote;

/// Why data could not be loaded, in one line that names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[error("{}: {problem}", quote::path(.path))]
pub struct DataError {
    /// The file or folder, or the name of an embedded data set.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: DataProblem,
}

impl DataError {
    pub(crate) fn new(path: impl Into<PathBuf>, problem: impl Into<DataProblem>) -> Self {
        Self {
            path: path.into(),
            problem: problem.into(),
        }
    }
}

impl Refusal {
    /// The error of a source.
    pub(crate) fn of(self, path: &Path) -> DataError {
        DataError::new(path, self)
    }
}
