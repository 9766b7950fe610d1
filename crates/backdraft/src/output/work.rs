//! A folder whose files appear one by one, while a long run works in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use super::atomic::{PREFIX, StagedFile, temporary_beside};

/// Held by the process that works in the folder.
const LOCK: &str = ".backdraft-lock";

/// A folder that this process alone works in.
///
/// Files appear whole or not at all, but for the last line of a log. A process that is killed leaves the folder as it was
/// after the last file that it wrote.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    // Released with the file.
    _lock: File,
}

impl WorkFolder {
    /// Opens the folder of an earlier run, which holds the file `record`, or makes a new one, with the folders above it.
    ///
    /// # Errors
    /// [`Busy`](OutputError::Busy) if another process works there, [`Foreign`](OutputError::Foreign) for a folder with files of
    /// something else, [`InTheWay`](OutputError::InTheWay) where a file has the name of the folder or of one above it, and
    /// [`NotWritable`](OutputError::NotWritable).
    pub fn open(path: impl AsRef<Path>, record: &'static str) -> Result<Self, OutputError> {
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
        let unfinished = check_owner(path, record)?;
        temporary_beside(&path.join(record))
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

    /// Puts a file in place, whole; `name` may have a folder before it.
    ///
    /// # Errors
    /// If it cannot be stored in full; what had its name is untouched then.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), OutputError> {
        let path = self.path.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| OutputError::from_io(folder, error))?;
        }
        StagedFile::write(&path, |file| file.write_all(bytes))?.publish()
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

    /// Removes a folder with all that is in it, if it is there.
    ///
    /// # Errors
    /// If it is there and stays.
    pub fn remove_folder(&self, name: &str) -> Result<(), OutputError> {
        let path = self.path.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(OutputError::from_io(&path, error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// The names of the files that a killed process left unfinished, in a folder that has the file `record` or is empty but for them.
fn check_owner(path: &Path, record: &'static str) -> Result<Vec<String>, OutputError> {
    let refused = |error| OutputError::from_io(path, error);
    let names = fs::read_dir(path)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<String>>>()
        })
        .map_err(refused)?;
    let ours = names.iter().any(|name| name == record);
    let (hidden, others): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| name.starts_with(PREFIX));
    if !ours && !others.is_empty() {
        return Err(OutputError::Foreign {
            path: path.to_path_buf(),
            record,
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
