//! What can go wrong while a run's files are made and written.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use backdraft_models::quote;

/// Error of writing a run: what was wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The folder, or one above it, takes no new files.
    #[error(
        "cannot write to {}: {source}; choose another folder or change its permissions",
        quote::path(path)
    )]
    NotWritable {
        /// The folder or file that could not be written.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// Something of the wrong kind has the name: a file where a folder is wanted, or the reverse.
    #[error(
        "{} is in the way: {wanted} is to be there; move it or choose another folder",
        quote::path(path)
    )]
    InTheWay {
        /// What has the name.
        path: PathBuf,
        /// What should have it.
        wanted: &'static str,
    },
    /// The folder holds files, but not the one that would make them ours.
    #[error(
        "{} is not empty and holds no {record}, so it is left alone; choose a new or an empty folder",
        quote::path(path)
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// The file that is missed.
        record: &'static str,
    },
    /// Another process writes to the folder.
    #[error(
        "{} is in use: another process works in it; wait for it or choose another folder",
        quote::path(path)
    )]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds an earlier run that was to be kept.
    #[error(
        "{} holds an earlier run; allow it to be overwritten or choose another folder",
        quote::path(path)
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The disk or the user's share of it is full.
    #[error(
        "no space left to write {}: {source}; free some or choose a folder on another disk",
        quote::path(path)
    )]
    NoSpace {
        /// The file that did not fit.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// A file that we wrote is not what it was.
    #[error(
        "{} is damaged ({}): {lost}; restore the file, begin anew with --overwrite, or choose another folder",
        quote::path(path),
        quote::reason(reason)
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What is lost with it.
        lost: String,
    },
    /// Any other failure of the file system.
    #[error("could not read or write {}: {source}", quote::path(path))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's word.
        source: io::Error,
    },
    /// Parts of the output that do not fit together.
    #[error("{what}: expected {expected}, found {found}")]
    Length {
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A score that is NaN or infinite.
    #[error(
        "the score of training example {train} for {} is not finite: the solution it came from diverged",
        query.map_or_else(|| "the mean over the queries".into(), |query| format!("query {query}"))
    )]
    NotFinite {
        /// Test index of the query; none for the mean over all.
        query: Option<usize>,
        /// Index of the training example.
        train: usize,
    },
    /// The data could not be put into the file's format.
    #[error("could not encode {what}: {reason}")]
    Encode {
        /// The file or part of it.
        what: &'static str,
        /// What the format's library said.
        reason: String,
    },
}

impl OutputError {
    /// Sorts a failure at `path` by what the user can do about it.
    pub fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            // A folder that exists and yet reports a new file as not found is one like /proc.
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem | ErrorKind::NotFound => {
                Self::NotWritable { path, source }
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::NoSpace { path, source },
            _ => Self::Io { path, source },
        }
    }

    /// That `what` could not be put into its form, for `reason`.
    pub fn encode(what: &'static str, reason: impl ToString) -> Self {
        Self::Encode {
            what,
            reason: reason.to_string(),
        }
    }

    /// Checks a count that two parts of the output share.
    pub(super) fn check_len(what: &'static str, expected: usize, found: usize) -> Result<(), Self> {
        if expected == found {
            Ok(())
        } else {
            Err(Self::Length {
                what,
                expected,
                found,
            })
        }
    }
}
