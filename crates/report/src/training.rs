//! The folder of one training, which may be taken up again.

use std::ops::Deref;
use std::path::Path;

use super::{Contents, OutputError, WorkFolder};

/// A folder that this process alone trains in.
#[derive(Debug)]
pub struct TrainingFolder(WorkFolder);

impl TrainingFolder {
    /// The settings, and the results once training has ended. A folder without it is no training's.
    pub const RECORD: &str = "train.json";
    /// One line of JSON for each pass over the data.
    pub const LOG: &str = "log.jsonl";
    /// The weights that did best on the examples held out.
    pub const BEST: &str = "best.safetensors";
    /// The latest weights.
    pub const LAST: &str = "last.safetensors";
    /// Labels made wrong on purpose.
    pub const WRONG_LABELS: &str = "wrong-labels.csv";
    /// What training needs to go on; gone once it has ended.
    pub const STATE: &str = "training.safetensors";

    const CONTENTS: Contents = Contents {
        record: Self::RECORD,
        results: &[],
        others: &[
            Self::STATE,
            Self::LOG,
            Self::BEST,
            Self::LAST,
            Self::WRONG_LABELS,
        ],
        parts: &[],
    };

    /// Opens the folder of an earlier training, or makes a new one, with the folders above it.
    ///
    /// # Errors
    /// As [`WorkFolder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OutputError> {
        WorkFolder::open(path, Self::CONTENTS).map(Self)
    }
}

impl Deref for TrainingFolder {
    type Target = WorkFolder;

    fn deref(&self) -> &WorkFolder {
        &self.0
    }
}
