//! The folder of a run that is made part by part: what is done stays done, and nothing says that the run is whole
//! before it is.

use std::{fs, io::ErrorKind, path::Path};

use backdraft::attribution::{self, StoreError};
use backdraft_models::{Zoo, quote};
use backdraft_report::{OutputError, Record, RunRecord, WorkFolder};
use serde::Serialize;

use super::{Kind, PARTS, RunFolder, RunPlace, checksums};
use crate::{
    CliError,
    progress::{say, warn},
    train::state,
};

/// Where training stands, until it has ended.
pub(crate) const STATE: &str = state::FILE;
/// The network, among the parts.
pub(crate) const MODEL: &str = "parts/model.safetensors";

/// The folder of one run, which [`RunRecord::FILE`] says is whole.
pub(crate) struct PartsFolder {
    folder: RunFolder,
}

impl PartsFolder {
    /// Opens the folder. A run that came to its end is kept unless it is to be overwritten, or a file of it is damaged:
    /// then it is made anew.
    pub fn open(
        place: &RunPlace,
        kind: Kind,
        asked: &impl Serialize,
        overwrite: bool,
    ) -> Result<Self, CliError> {
        if let (RunPlace::Named(path), false) = (place, overwrite)
            && WorkFolder::is_whole(path, kind.contents)
        {
            // What a run leaves that is killed after its last file.
            if [PARTS, STATE].iter().any(|name| path.join(name).exists()) {
                let folder = WorkFolder::open(path, kind.contents)?;
                folder.remove_folder(PARTS)?;
                folder.remove(STATE)?;
            }
            return Self::mend(path, kind, asked);
        }
        let folder = RunFolder::open(place, kind, asked, overwrite)?;
        if folder.read(RunRecord::FILE)?.is_some() {
            // Another process has just ended it.
            let path = folder.path().to_path_buf();
            return Err(OutputError::Exists { path }.into());
        }
        Ok(Self { folder })
    }

    /// A whole run of which a file is damaged, to be made anew.
    fn mend(path: &Path, kind: Kind, asked: &impl Serialize) -> Result<Self, CliError> {
        let broken = checksums::broken(|name| match fs::read(path.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => {
                let path = path.join(name);
                Err(OutputError::Io { path, source }.into())
            }
        })?;
        if broken.is_empty() {
            let path = path.to_path_buf();
            return Err(OutputError::Exists { path }.into());
        }
        let folder = RunFolder::open(&RunPlace::Named(path.to_path_buf()), kind, asked, false)?;
        for (name, reason) in broken {
            warn(format_args!(
                "{} is damaged ({reason}): the run is made anew",
                quote::path(&path.join(name))
            ));
        }
        // It said that the run is whole.
        folder.remove(RunRecord::FILE)?;
        Ok(Self { folder })
    }

    /// Says where a new run goes, and how it goes on if it is stopped.
    pub fn announce(&self, place: &RunPlace) {
        if let RunPlace::Fresh(_) = place {
            let path = quote::path(self.folder.path());
            say(format_args!(
                "to {path}; stopped, the same command with --out {path} goes on"
            ));
        }
    }

    /// Puts the record in place, with the digests of `files`, as far as they are there, and of all before it.
    pub fn finish(&self, record: &[u8], files: &[String]) -> Result<(), CliError> {
        checksums::write(&self.folder, files, record)?;
        self.folder.write(RunRecord::FILE, record)?;
        self.tidy()
    }

    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// The network, if it is there, and the seconds that its training took.
    pub fn model(&self, like: &Zoo) -> Result<Option<(Zoo, f64)>, CliError> {
        let found = self.folder.module(MODEL, like)?;
        self.folder.bind()?;
        Ok(found)
    }

    /// Keeps the network; where training stood on the way to it is let go.
    pub fn keep_model(&self, model: &Zoo, seconds: f64) -> Result<(), CliError> {
        self.keep_module(MODEL, model, seconds)
    }

    /// Keeps a trained network as one of the parts.
    pub fn keep_module(&self, name: &str, model: &Zoo, seconds: f64) -> Result<(), CliError> {
        self.folder.keep_module(name, model, seconds)?;
        self.folder.remove(STATE)
    }

    /// After a failure: a run of which nothing is known yet leaves no folder that other settings would be refused in.
    pub fn abandon_if_empty(self) -> Result<(), CliError> {
        match [PARTS, STATE].iter().any(|name| self.folder.holds(name)) {
            true => Ok(()),
            false => self.folder.abandon(),
        }
    }

    /// Lets go of what was kept on the way, once the run is whole.
    fn tidy(&self) -> Result<(), CliError> {
        self.folder.remove(STATE)?;
        self.folder.remove_folder(PARTS)
    }
}

/// Of a verification, among the parts.
impl attribution::Store for PartsFolder {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.folder.whole(&part(key)).map_err(CliError::in_store)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let marked = self.folder.write_marked(&part(key), value.to_vec());
        marked.map_err(CliError::in_store)
    }
}

fn part(key: &str) -> String {
    format!("{PARTS}/{key}")
}
