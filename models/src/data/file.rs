//! Reading files, compressed or not, without being made to fill the memory.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::error::DataError;
use super::problem::DataProblem;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Bytes that gzip data may unpack to whatever their size, and how many times their size beyond that. Tables of zeros
/// shrink to a two-hundredth; what shrinks to less is made to fill a memory.
const UNPACKED: u64 = 1 << 30;
const RATIO: u64 = 200;

/// The bytes of a file, decompressed if they are gzip, whatever the file is called.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes =
        contents(path).map_err(|source| DataError::new(path, DataProblem::Read { source }))?;
    if bytes.starts_with(&GZIP_MAGIC) {
        gunzip(&bytes, path)
    } else if path.extension().is_some_and(|extension| extension == "gz") {
        Err(DataError::new(
            path,
            DataProblem::CorruptGzip {
                reason: "it does not start like a gzip file".to_owned(),
            },
        ))
    } else {
        Ok(bytes)
    }
}

/// The bytes of a file or pipe, as they are. A device may have no end.
pub(crate) fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    #[cfg(unix)]
    let pipe = std::os::unix::fs::FileTypeExt::is_fifo(&kind);
    #[cfg(not(unix))]
    let pipe = false;
    if kind.is_dir() {
        return Err(io::Error::new(
            ErrorKind::IsADirectory,
            "it is a folder, not a file",
        ));
    }
    if !kind.is_file() && !pipe {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is neither a file nor a pipe",
        ));
    }
    fs::read(path)
}

/// The bytes of a text file, decompressed, in UTF-8 and without a byte order mark.
pub(crate) fn read_text(path: &Path) -> Result<Vec<u8>, DataError> {
    utf8(read(path)?).map_err(|found| DataError::new(path, DataProblem::Encoding { found }))
}

/// A text's bytes without the byte order mark that some editors put before them; or what it is, if not UTF-8 at first
/// sight.
pub(crate) fn utf8(mut bytes: Vec<u8>) -> Result<Vec<u8>, &'static str> {
    match bytes.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err("UTF-32 text"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err("UTF-16 text"),
        // In UTF-8 no text holds a zero; in UTF-16 every other byte is one where letters are Latin.
        _ if bytes.contains(&0) => Err("UTF-16 text without a mark, or no text at all"),
        [0xef, 0xbb, 0xbf, ..] => {
            bytes.drain(..3);
            Ok(bytes)
        }
        _ => Ok(bytes),
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
    let unreadable = |source| DataError::new(folder, DataProblem::Read { source });
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

/// The bytes that `packed` ones may unpack to.
pub(crate) fn most_unpacked(packed: u64) -> u64 {
    UNPACKED.max(RATIO.saturating_mul(packed))
}

/// Decompresses gzip data; `path` is for the error.
pub(crate) fn gunzip(bytes: &[u8], path: &Path) -> Result<Vec<u8>, DataError> {
    unpack(bytes, most_unpacked(bytes.len() as u64))
        .map_err(|problem| DataError::new(path, problem))
}

/// Decompresses gzip data to at most `limit` bytes.
fn unpack(bytes: &[u8], limit: u64) -> Result<Vec<u8>, DataProblem> {
    let mut plain = Vec::new();
    let mut decoder = MultiGzDecoder::new(bytes).take(limit + 1);
    match decoder.read_to_end(&mut plain) {
        Ok(_) if plain.len() as u64 > limit => {
            let packed = bytes.len();
            Err(DataProblem::Unpacked { packed, limit })
        }
        Ok(_) => Ok(plain),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(DataProblem::TruncatedGzip),
        Err(error) => {
            let reason = error.to_string();
            Err(DataProblem::CorruptGzip { reason })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    #[test]
    fn data_unpack_to_their_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&[0; 1000]).unwrap();
        let member = encoder.finish().unwrap();
        // The members of a gzip file come one after another.
        let packed = member.repeat(3);
        assert_eq!(unpack(&packed, 3000).unwrap(), [0; 3000]);
        let error = unpack(&packed, 2999).unwrap_err();
        assert!(
            matches!(error, DataProblem::Unpacked { limit: 2999, .. }),
            "{error}"
        );
    }
}
