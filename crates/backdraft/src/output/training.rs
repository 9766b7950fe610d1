//! The folder of one training, which may be taken up again.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use super::atomic::{PREFIX, StagedFile, temporary_beside};

/// Held by the process that trains in the folder.
const LOCK: &str = ".backdraft-lock";

/// A folder that this process alone trains in.
///
/// Files appear whole or not at all, but for the last line of the log. A process that is killed leaves the folder as it was
/// after the last file that it wrote.
#[derive(Debug)]
pub struct TrainingFolder {
    path: PathBuf,
    // Released with the file.
    _lock: File,
}

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

    /// Opens the folder of an earlier training, or makes a new one, with the folders above it.
    ///
    /// # Errors
    /// [`Busy`](OutputError::Busy) if another process trains there, [`Foreign`](OutputError::Foreign) for a folder with files of
    /// something else, [`InTheWay`](OutputError::InTheWay) where a file has the name of the folder or of one above it, and
    /// [`NotWritable`](OutputError::NotWritable).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OutputError> {
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
        let refused = |error| OutputError::from_io(path, error);
        fs::create_dir_all(path).map_err(refused)?;
        let unfinished = check_owner(path)?;
        temporary_beside(&path.join(Self::RECORD))
            .and_then(|file| file.close())
            .map_err(refused)?;
        let lock = lock(path)?;
        // Nobody else is writing them any more.
        for name in unfinished {
            fs::remove_file(path.join(name)).or_else(|error| match error.kind() {
                ErrorKind::NotFound => Ok(()),
                _ => Err(refused(error)),
            })?;
        }
        Ok(Self {
            path: path.to_path_buf(),
            _lock: lock,
        })
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a file in place, whole.
    ///
    /// # Errors
    /// If it cannot be stored in full; what had its name is untouched then.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        StagedFile::write(&self.path.join(name), |file| file.write_all(bytes))?.publish()
    }

    /// Adds a line to a file.
    ///
    /// # Errors
    /// If the file cannot be opened or takes no more.
    pub fn append(&self, name: &str, line: &str) -> Result<(), OutputError> {
        let path = self.path.join(name);
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
            .map_err(|error| OutputError::from_io(&path, error))
    }

    /// A file's bytes; `None` if there is none of that name.
    ///
    /// # Errors
    /// If it is there and cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, OutputError> {
        let path = self.path.join(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(OutputError::Io { path, source }),
        }
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// If it is there and stays.
    pub fn remove(&self, name: &str) -> Result<(), OutputError> {
        let path = self.path.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(OutputError::from_io(&path, error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Removes everything that an earlier training left.
    ///
    /// # Errors
    /// As [`remove`](Self::remove).
    pub fn clear(&self) -> Result<(), OutputError> {
        // The record last: without it the rest would be of something else.
        let names = [
            Self::STATE,
            Self::LOG,
            Self::BEST,
            Self::LAST,
            Self::WRONG_LABELS,
            Self::RECORD,
        ];
        names.iter().try_for_each(|name| self.remove(name))
    }
}

/// The names of the files that a killed process left unfinished, in a folder that is a training's or empty but for them.
fn check_owner(path: &Path) -> Result<Vec<String>, OutputError> {
    let refused = |error| OutputError::from_io(path, error);
    let names = fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<String>>>()
        })
        .map_err(refused)?;
    let ours = names.iter().any(|name| name == TrainingFolder::RECORD);
    let (hidden, others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.starts_with(PREFIX));
    if !ours && !others.is_empty() {
        return Err(OutputError::Foreign {
            path: path.to_path_buf(),
            record: TrainingFolder::RECORD,
        });
    }
    Ok(hidden.into_iter().filter(|name| name != LOCK).collect())
}

fn lock(path: &Path) -> Result<File, OutputError> {
    let name = path.join(LOCK);
    let refused = |error| OutputError::from_io(&name, error);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(refused)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OutputError::Busy {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(error)) => Err(refused(error)),
    }
}
