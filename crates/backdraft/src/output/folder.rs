//! The folder of one run.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::atomic::{PREFIX, StagedFile, temporary_beside};
use super::{OutputError, RunRecord};

/// What to do with an earlier run in the same folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Leave it and refuse.
    Keep,
    /// Replace its files.
    Overwrite,
}

/// A run's folder, checked before the work and filled after it.
///
/// Files given to [`write`](Self::write) stay hidden until [`finish`](Self::finish) names them all;
/// a run that fails before leaves the folder as it found it, and removes it if it made it.
#[derive(Debug)]
#[must_use = "nothing appears in the folder before `finish`"]
pub struct RunFolder {
    path: PathBuf,
    staged: Vec<StagedFile>,
    made: Vec<PathBuf>,
}

impl RunFolder {
    /// Makes `path` ready, with the folders above it, and tries that it takes files.
    ///
    /// Call it before long work: what it accepts fails later only for lack of space or because
    /// someone interferes.
    ///
    /// # Errors
    /// [`NotWritable`](OutputError::NotWritable), [`InTheWay`](OutputError::InTheWay) where a file
    /// has the name of the folder or of one above it, [`Foreign`](OutputError::Foreign) for a folder
    /// with files but no `run.json`, [`Exists`](OutputError::Exists) for an earlier run that
    /// `existing` keeps.
    pub fn create(path: impl AsRef<Path>, existing: Existing) -> Result<Self, OutputError> {
        let path = path.as_ref();
        if let Some(file) = path
            .ancestors()
            .find(|part| !part.is_dir() && part.symlink_metadata().is_ok())
        {
            return Err(OutputError::InTheWay {
                path: file.to_path_buf(),
                wanted: "a folder",
            });
        }
        let made = path
            .ancestors()
            .filter(|part| !part.as_os_str().is_empty() && !part.exists())
            .map(Path::to_path_buf)
            .collect();
        // From here on an early return removes what was made.
        let folder = Self {
            path: path.to_path_buf(),
            staged: Vec::new(),
            made,
        };
        let refused = |error| OutputError::from_io(path, error);
        fs::create_dir_all(path).map_err(refused)?;
        folder.check_owner(existing)?;
        temporary_beside(&path.join(RunRecord::FILE))
            .and_then(|file| file.close())
            .map_err(refused)?;
        Ok(folder)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores `bytes` to appear as the file `name` when the run is finished.
    ///
    /// # Errors
    /// If they cannot be stored in full.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let staged = StagedFile::write(&self.path.join(name), |file| file.write_all(bytes))?;
        self.staged.push(staged);
        Ok(())
    }

    /// Gives all files their names, in the order written: write `run.json` last, so that its
    /// presence means the run is whole.
    ///
    /// # Errors
    /// If a rename is refused; the files before it are then in place, and those after it absent.
    pub fn finish(mut self) -> Result<(), OutputError> {
        self.staged.drain(..).try_for_each(StagedFile::publish)
    }

    fn check_owner(&self, existing: Existing) -> Result<(), OutputError> {
        let refused = |error| OutputError::from_io(&self.path, error);
        if self.path.join(RunRecord::FILE).is_file() {
            return match existing {
                Existing::Overwrite => Ok(()),
                Existing::Keep => Err(OutputError::Exists {
                    path: self.path.clone(),
                }),
            };
        }
        // What a killed run left unfinished does not make the folder foreign.
        for entry in fs::read_dir(&self.path).map_err(refused)? {
            let name = entry.map_err(refused)?.file_name();
            if !name.to_string_lossy().starts_with(PREFIX) {
                return Err(OutputError::Foreign {
                    path: self.path.clone(),
                    record: RunRecord::FILE,
                });
            }
        }
        Ok(())
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        self.staged.clear();
        // Deepest first; a folder that holds anything by now refuses, and should.
        for folder in &self.made {
            match fs::remove_dir(folder) {
                Err(error) if error.kind() != ErrorKind::NotFound => break,
                Ok(()) | Err(_) => {}
            }
        }
    }
}
