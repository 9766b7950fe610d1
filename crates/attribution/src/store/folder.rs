//! A store in a folder.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use tempfile::{Builder, NamedTempFile};

use super::{Digest, Store, StoreError};

/// Bytes of a digest, which every file begins with.
const DIGEST: usize = 32;

/// How the names of unfinished files begin. A process that is killed may leave one behind, which nothing reads.
const PREFIX: &str = ".backdraft-";

/// Keeps each entry in a file of its own below a folder: complete or absent, as it is written beside its place and
/// then renamed, and with a SHA-256 of its key and its bytes, so that a damaged or misplaced file is noticed.
///
/// Several processes may use one folder: what they compute at once is computed twice, and whole whichever comes last.
#[derive(Clone, Debug)]
pub struct FolderStore {
    path: PathBuf,
}

impl FolderStore {
    /// In the folder `path`, which is made if there is none.
    ///
    /// # Errors
    /// [`StoreError::File`] if it cannot be made.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let path = path.into();
        fs::create_dir_all(&path).map_err(|error| refused(&path, "made", error))?;
        Ok(Self { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, key: &str) -> Result<PathBuf, StoreError> {
        let good = |part: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            !part.is_empty() && !part.starts_with('.') && part.chars().all(letter)
        };
        match key.split('/').all(good) {
            true => Ok(key
                .split('/')
                .fold(self.path.clone(), |path, it| path.join(it))),
            false => Err(StoreError::Key {
                key: key.to_owned(),
            }),
        }
    }
}

impl Store for FolderStore {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.file(key)?;
        let mut file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(&path, "read", error)),
        };
        let whole = file.len() >= DIGEST && {
            let (digest, value) = file.split_at(DIGEST);
            digest == sum(key, value)
        };
        if !whole {
            let reason = format!(
                "{} does not begin with the digest of its key and its contents",
                path.display()
            );
            return Err(StoreError::Damaged {
                key: key.to_owned(),
                reason,
            });
        }
        file.drain(..DIGEST);
        Ok(Some(file))
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let path = self.file(key)?;
        let folder = path.parent().unwrap_or(&self.path);
        let write = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let mut file = beside(folder)?;
            file.write_all(&sum(key, value))?;
            file.write_all(value)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|refused| refused.error)?;
            Ok(())
        };
        write().map_err(|error| refused(&path, "written", error))
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        let path = self.file(key)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(refused(&path, "removed", error))
            }
            _ => Ok(()),
        }
    }
}

fn sum(key: &str, value: &[u8]) -> [u8; DIGEST] {
    Digest::default().part(key.as_bytes()).part(value).bytes()
}

/// A temporary file in `folder`, readable by whom a plain new file would be.
pub(crate) fn beside(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask still applies; tempfile's own default, 0600, would stay with the renamed file.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn refused(path: &Path, action: &'static str, source: io::Error) -> StoreError {
    StoreError::File {
        path: path.to_path_buf(),
        action,
        source,
    }
}
