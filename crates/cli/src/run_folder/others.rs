//! Folders of the same run in other processes.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use backdraft::attribution::{Store, StoreError};
use backdraft_models::quote;
use backdraft_report::Seal;
use serde::Serialize;

use super::{Kind, PARTS, RunFolder, SETTINGS, VERSIONS, differences, unmarked, versions};
use crate::{CliError, tensors};

/// Refuses folders to be merged into `out`, if that is named, that hold anything but the run of `settings`, made by the
/// same programs from the same network, or that are named twice.
pub(crate) fn check_parts(
    parts: &[PathBuf],
    kind: Kind,
    settings: &impl Serialize,
    out: Option<&Path>,
) -> Result<(), CliError> {
    check_apart(parts, out)?;
    let seal = Seal::of(settings)?;
    // A damaged one is dealt with where it is read.
    let network_of = |folder: &Path| {
        let bytes = fs::read(folder.join(kind.network)).ok()?;
        let bytes = seal.check(kind.network, bytes).ok()?;
        Some(tensors::numbers(&bytes).to_vec())
    };
    let own = out.and_then(|out| Some((out, network_of(out)?)));
    let mut network: Option<(&Path, Vec<u8>)> = own;
    for part in parts {
        check_folder(part, kind, settings)?;
        match (&network, network_of(part)) {
            // Not trained yet: nothing is computed from it either.
            (_, None) => {}
            (Some((other, known)), Some(found)) if *known != found => {
                return Err(refused(format!(
                    "{} has another base network than {}: machines differ in the last bits. Begin each part with \
                     --merge of one folder in which the network is trained",
                    quote::path(part),
                    quote::path(other)
                )));
            }
            (Some(_), Some(_)) => {}
            (None, Some(found)) => network = Some((part, found)),
        }
    }
    Ok(())
}

/// Refuses a folder that is named twice, or is the run's own.
fn check_apart(parts: &[PathBuf], out: Option<&Path>) -> Result<(), CliError> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let own = out.map(real);
    let mut seen = HashSet::new();
    for part in parts {
        let found = real(part);
        if own.as_ref() == Some(&found) {
            return Err(refused(format!(
                "{} is the run's own folder, whose parts are there: leave it out",
                quote::path(part)
            )));
        }
        if !seen.insert(found) {
            return Err(refused(format!("{} is named twice", quote::path(part))));
        }
    }
    Ok(())
}

/// The error of `--merge`.
pub(super) fn refused(problem: String) -> CliError {
    CliError::Option {
        option: "--merge",
        problem,
    }
}

/// Another folder of the run that `folder` is of.
pub(crate) struct Other<'a> {
    folder: &'a RunFolder,
    path: &'a Path,
    /// Where its keys are: all of it, or its parts.
    parts: bool,
}

impl<'a> Other<'a> {
    pub fn new(folder: &'a RunFolder, path: &'a Path) -> Self {
        let parts = false;
        Self {
            folder,
            path,
            parts,
        }
    }

    /// What it has among its parts.
    pub fn parts(folder: &'a RunFolder, path: &'a Path) -> Self {
        Self {
            parts: true,
            ..Self::new(folder, path)
        }
    }
}

impl Store for Other<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = match self.parts {
            true => format!("{PARTS}/{key}"),
            false => key.to_owned(),
        };
        let found = self.folder.whole_of(self.path, &name);
        found.map_err(CliError::in_store)
    }

    fn put(&self, key: &str, _: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Key {
            key: key.to_owned(),
        })
    }
}

/// Refuses a folder to be merged that holds anything but a run of `settings` made by the same programs.
pub(crate) fn check_folder(
    part: &Path,
    kind: Kind,
    settings: &impl Serialize,
) -> Result<(), CliError> {
    let refuse = |problem: String| Err(refused(format!("{} {problem}", quote::path(part))));
    let file = kind.contents.record;
    let noun = kind.name.split_once(' ').map_or(kind.name, |it| it.1);
    let Ok(record) = fs::read(part.join(file)) else {
        return refuse(format!("holds no {noun}: there is no {file}"));
    };
    let Ok(record) = unmarked(file, record) else {
        return refuse(format!(
            "holds a damaged {file}, without which nobody knows of which {noun} its parts are; leave that folder out, and \
             they are computed here, or restore the file"
        ));
    };
    let found = differences(settings, &record[SETTINGS])?;
    if !found.is_empty() {
        return refuse(format!("holds another {noun}: {}", found.join(", ")));
    }
    let found = differences(&versions(), &record[VERSIONS])?;
    match found.is_empty() {
        true => Ok(()),
        false => refuse(format!(
            "was made by another version: {}; make all parts by the same",
            found.join(", ")
        )),
    }
}
