//! What other processes have done of the same valuation.

use std::path::Path;

use backdraft::attribution::{Store, StoreError};
use serde::Serialize;

use crate::{
    CliError,
    args::Shapley,
    run_folder::{PARTS, RunFolder, check_folder},
};

use super::files::KIND;

/// Refuses folders to be merged that hold anything but this valuation, made by the same programs.
pub(super) fn check(args: &Shapley, asked: &impl Serialize) -> Result<(), CliError> {
    args.merge
        .iter()
        .try_for_each(|part| check_folder(part, KIND, asked))
}

/// The parts of another folder of the valuation that `folder` is of.
pub(super) struct Other<'a> {
    pub folder: &'a RunFolder,
    pub path: &'a Path,
}

impl Store for Other<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.folder
            .whole_of(self.path, &format!("{PARTS}/{key}"))
            .map_err(CliError::in_store)
    }

    fn put(&self, key: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Key {
            key: key.to_owned(),
        })
    }
}
