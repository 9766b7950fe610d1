use std::fs;
use std::io::{self, Read};
use std::path::Path;

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
