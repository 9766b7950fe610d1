//! A folder whose files appear one by one, while a run works in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::OutputError;
use super::staged_file::{PREFIX, StagedFile, temporary_beside};

/// Held by the process that works in the folder.
const LOCK: &str = ".backdraft-lock";
/// There, with the record's name after it, while an earlier run is removed, and until the record of the next one is in
/// place.
const CLEARING: &str = ".backdraft-clearing-";

/// What runs of one kind keep in their folders.
#[derive(Clone, Copy, Debug)]
pub struct Contents {
    /// The run's settings, written before anything else: what tells its folder from others.
    pub record: &'static str,
    /// What says that a run is whole, written last.
    pub results: &'static [&'static str],
    /// All other files and folders.
    pub others: &'static [&'static str],
    /// How the names of folders begin that hold runs of the same kind, which are parts of this one.
    pub parts: &'static [&'static str],
}

impl Contents {
    /// What tells that an earlier run is being removed.
    fn clearing(self) -> String {
        format!("{CLEARING}{}", self.record)
    }
}

/// A folder that this process alone works in.
///
/// Files appear whole or not at all, but for the last line of a log. A process that is killed leaves the folder as it
/// was after the last file that it wrote, and whoever opens it next clears what it left half done.
#[derive(Debug)]
pub struct WorkFolder {
    path: PathBuf,
    contents: Contents,
    // Released with the file.
    _lock: File,
}

impl WorkFolder {
    /// Opens the folder of an earlier run, which holds a record or results of `contents`, or makes a new one, with the
    /// folders above it. Removing an earlier run goes on where it was interrupted.
    ///
    /// # Errors
    /// [`Busy`](OutputError::Busy) if another process works there, [`Foreign`](OutputError::Foreign) for a folder with
    /// files of something else, [`InTheWay`](OutputError::InTheWay) where a file has the name of the folder or of one
    /// above it, and
    /// [`NotWritable`](OutputError::NotWritable).
    pub fn open(path: impl AsRef<Path>, contents: Contents) -> Result<Self, OutputError> {
        let path = path.as_ref();
        let refused = |error| OutputError::from_io(path, error);
        check_way(path)?;
        fs::create_dir_all(path).map_err(refused)?;
        check_owner(path, contents)?;
        let folder = Self {
            path: path.to_path_buf(),
            contents,
            _lock: lock(path)?,
        };
        // Nobody else is writing them any more.
        folder.tidy(path)?;
        temporary_beside(&path.join(contents.record))
            .and_then(|file| file.close())
            .map_err(refused)?;
        if path.join(contents.clearing()).exists() {
            folder.clear()?;
        }
        Ok(folder)
    }

    /// Makes the folder `<name>-<number>` below `parent`, with the first number that is free. Two processes never get
    /// the same.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn numbered(
        parent: impl AsRef<Path>,
        name: &str,
        contents: Contents,
    ) -> Result<Self, OutputError> {
        let parent = parent.as_ref();
        check_way(parent)?;
        fs::create_dir_all(parent).map_err(|error| OutputError::from_io(parent, error))?;
        let mut number = 1_u64;
        loop {
            let path = parent.join(format!("{name}-{number}"));
            match fs::create_dir(&path) {
                Ok(()) => return Self::open(path, contents),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(OutputError::from_io(&path, error)),
            }
        }
    }

    /// Whether a folder, opened or not, holds a run that came to its end.
    pub fn is_whole(path: impl AsRef<Path>, contents: Contents) -> bool {
        let path = path.as_ref();
        let holds = |name: &&str| path.join(name).is_file();
        contents.results.iter().any(holds) && !path.join(contents.clearing()).exists()
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a run: puts its record in place.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn begin(&self, record: &[u8]) -> Result<(), OutputError> {
        self.write(self.contents.record, record)?;
        self.remove(&self.contents.clearing())
    }

    /// Removes everything that an earlier run left: what says that it is whole first, then its record, then the rest. A
    /// process that is killed on the way leaves nothing that looks whole, and the next to open the folder goes on.
    ///
    /// # Errors
    /// As [`remove`](Self::remove); [`Busy`](OutputError::Busy), before anything is removed, if another process works
    /// on a part.
    pub fn clear(&self) -> Result<(), OutputError> {
        let parts = self.parts()?;
        self.write(&self.contents.clearing(), b"")?;
        let Contents {
            record,
            results,
            others,
            ..
        } = self.contents;
        for name in results.iter().chain(&[record]).chain(others) {
            match self.path.join(name).is_dir() {
                true => self.remove_folder(name)?,
                false => self.remove(name)?,
            }
        }
        for part in parts {
            part.clear()?;
            part.remove_if_empty()?;
        }
        Ok(())
    }

    /// Removes a run that came to nothing, and its folder if nothing else is in it.
    ///
    /// # Errors
    /// As [`clear`](Self::clear).
    pub fn abandon(self) -> Result<(), OutputError> {
        self.clear()?;
        self.remove_if_empty()
    }

    /// Somebody's own files stay, and so does the folder then, known as ours.
    fn remove_if_empty(&self) -> Result<(), OutputError> {
        match is_empty(&self.path)? {
            true => fs::remove_dir_all(&self.path)
                .map_err(|error| OutputError::from_io(&self.path, error)),
            false => Ok(()),
        }
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

    /// The parts of this run that have folders of their own, or what is left of such folders.
    fn parts(&self) -> Result<Vec<Self>, OutputError> {
        let mut parts = Vec::new();
        for (name, is_folder) in entries(&self.path)? {
            let is_part = self.contents.parts.iter().any(|it| name.starts_with(it));
            let path = self.path.join(name);
            let marks = [self.contents.record, &self.contents.clearing()];
            if !(is_folder && is_part) {
                continue;
            }
            if marks.iter().any(|mark| path.join(mark).is_file()) || is_empty(&path)? {
                parts.push(Self::open(path, self.contents)?);
            }
        }
        Ok(parts)
    }

    /// Removes the files that a killed process left unfinished, here and in the folders of the contents.
    fn tidy(&self, folder: &Path) -> Result<(), OutputError> {
        for (name, is_folder) in entries(folder)? {
            let path = folder.join(&name);
            let is_ours = folder != self.path || self.contents.others.contains(&name.as_str());
            let is_unfinished = is_hidden(&name) && name != LOCK && !name.starts_with(CLEARING);
            if is_folder && is_ours {
                self.tidy(&path)?;
            } else if !is_folder && is_unfinished {
                fs::remove_file(&path).or_else(|error| match error.kind() {
                    ErrorKind::NotFound => Ok(()),
                    _ => Err(OutputError::from_io(&path, error)),
                })?;
            }
        }
        Ok(())
    }
}

/// Whether it is none of a run's own files: a lock, a mark, or something unfinished.
fn is_hidden(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Whether a folder holds nothing but a lock, a mark, or something unfinished.
fn is_empty(path: &Path) -> Result<bool, OutputError> {
    Ok(entries(path)?.iter().all(|(name, _)| is_hidden(name)))
}

/// Refuses a file that has the name of the folder or of one above it.
fn check_way(path: &Path) -> Result<(), OutputError> {
    // In this order: another process may be making the folder.
    let is_in_the_way = |part: &&Path| part.symlink_metadata().is_ok() && !part.is_dir();
    match path.ancestors().find(is_in_the_way) {
        Some(file) => Err(OutputError::InTheWay {
            path: file.to_path_buf(),
            wanted: "a folder",
        }),
        None => Ok(()),
    }
}

/// The names of what is in a folder, and whether each is a folder itself.
fn entries(path: &Path) -> Result<Vec<(String, bool)>, OutputError> {
    let named = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        Ok((name, entry.file_type()?.is_dir()))
    };
    fs::read_dir(path)
        .and_then(|entries| entries.map(named).collect())
        .map_err(|error| OutputError::from_io(path, error))
}

/// Refuses a folder with files in which no run of ours left its mark.
fn check_owner(path: &Path, contents: Contents) -> Result<(), OutputError> {
    let names = entries(path)?;
    let clearing = contents.clearing();
    let ours = |name: &str| {
        name == contents.record || name == clearing || contents.results.contains(&name)
    };
    let foreign = names.iter().any(|(name, _)| !is_hidden(name));
    if foreign && !names.iter().any(|(name, _)| ours(name)) {
        return Err(OutputError::Foreign {
            path: path.to_path_buf(),
            record: contents.record,
        });
    }
    Ok(())
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
