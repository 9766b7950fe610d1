//! Files that are complete or absent.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::OutputError;

/// How the names of unfinished files begin.
pub(super) const PREFIX: &str = ".backdraft-";

/// A file written in full beside its place and not yet under its name.
///
/// [`publish`](Self::publish) renames it into place; dropped before that, it leaves nothing behind.
#[derive(Debug)]
#[must_use = "a staged file disappears unless it is published"]
pub struct StagedFile {
    temporary: NamedTempFile,
    target: PathBuf,
}

impl StagedFile {
    /// Writes the contents of `target` to a temporary file in the same folder and syncs it to disk.
    ///
    /// # Errors
    /// What `write` returned or the file system refused; nothing is left behind then.
    pub fn write(
        target: &Path,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<Self, OutputError> {
        if target.is_dir() {
            return Err(OutputError::InTheWay {
                path: target.to_path_buf(),
                wanted: "a file",
            });
        }
        let staged = || -> io::Result<NamedTempFile> {
            let temporary = temporary_beside(target)?;
            let mut buffered = BufWriter::new(temporary.as_file());
            write(&mut buffered)?;
            buffered.flush()?;
            drop(buffered);
            temporary.as_file().sync_all()?;
            Ok(temporary)
        };
        match staged() {
            Ok(temporary) => Ok(Self {
                temporary,
                target: target.to_path_buf(),
            }),
            Err(error) => Err(OutputError::from_io(target, error)),
        }
    }

    /// Gives the file its name, replacing what had it.
    ///
    /// # Errors
    /// If the rename is refused; the file is gone then, and what had its name is untouched.
    pub fn publish(self) -> Result<(), OutputError> {
        match self.temporary.persist(&self.target) {
            Ok(_) => Ok(()),
            Err(refused) => Err(OutputError::from_io(&self.target, refused.error)),
        }
    }
}

/// A new temporary file in the folder of `target`, readable by whom a plain new file would be.
pub(super) fn temporary_beside(target: &Path) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask still applies; tempfile's own default, 0600, would stay with the renamed file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => builder.tempfile_in(folder),
        _ => builder.tempfile_in("."),
    }
}
