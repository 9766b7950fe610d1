//! Where an evaluation keeps what it has computed, so that it can be stopped at any time.

mod digest;
mod folder;
mod memory;

use std::{error::Error, io, path::PathBuf};

pub use digest::Digest;
pub use folder::FolderStore;
pub(crate) use folder::beside;
pub use memory::MemoryStore;

/// Keeps bytes under keys. What is put is there as a whole or not at all.
///
/// Keys are parts of letters, digits, `-`, `_` and `.`, with `/` between them. They bear digests of all that the bytes
/// depend on, as far as an [`Evaluation`](crate::Evaluation) can see it: the trained parameters, the examples' losses
/// and gradient there, the settings and the removal. So one store may serve several evaluations, and what is of
/// another is not taken.
pub trait Store {
    /// What was put under `key` last, if anything was.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] for what is not as it was put, which is then computed anew; whatever else keeps it from
    /// being read.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Puts `value` under `key`, in place of what was there.
    ///
    /// # Errors
    /// Whatever keeps it from being written; what was there is untouched then.
    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError>;

    /// Lets go of what is under `key`, if anything is. A store may keep it nevertheless.
    ///
    /// # Errors
    /// Whatever keeps it from being removed.
    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let _ = key;
        Ok(())
    }
}

/// A store that keeps nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoStore;

impl Store for NoStore {
    fn get(&self, _: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }

    fn put(&self, _: &str, _: &[u8]) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Error of a store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What is there is not what was put there.
    #[error("what is kept under `{key}` is damaged: {reason}")]
    Damaged {
        /// Where it is.
        key: String,
        /// How it is seen.
        reason: String,
    },
    /// A key that cannot be a file's name.
    #[error(
        "`{key}` is no key: it must be parts of letters, digits, `-`, `_` and `.` that do not begin with `.`, with `/` between them"
    )]
    Key {
        /// The key.
        key: String,
    },
    /// The file system refused.
    #[error("{} could not be {action}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// An error of a store of one's own.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}
