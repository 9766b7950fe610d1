use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::error::DataError;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of a file, decompressed if they are gzip, whatever the file is called.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = fs::read(path).map_err(|source| DataError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.starts_with(&GZIP_MAGIC) {
        gunzip(&bytes, path)
    } else if path.extension().is_some_and(|extension| extension == "gz") {
        Err(DataError::CorruptGzip {
            path: path.to_owned(),
            reason: "it does not start like a gzip file".to_owned(),
        })
    } else {
        Ok(bytes)
    }
}

/// The path of a file in a folder, plain or gzipped.
pub(crate) fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    [name.to_owned(), format!("{name}.gz")]
        .into_iter()
        .map(|file| folder.join(file))
        .find(|path| path.is_file())
}

/// What is in a folder, in alphabetical order, without names that start with a dot.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let unreadable = |source| DataError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(crate) fn last_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Decompresses gzip data; `path` is for the error.
pub(crate) fn gunzip(bytes: &[u8], path: &Path) -> Result<Vec<u8>, DataError> {
    let mut plain = Vec::new();
    match MultiGzDecoder::new(bytes).read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Err(DataError::TruncatedGzip {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(DataError::CorruptGzip {
            path: path.to_owned(),
            reason: error.to_string(),
        }),
    }
}
