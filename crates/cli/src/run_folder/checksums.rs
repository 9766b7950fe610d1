//! The digests of a whole run's files, as `sha256sum` writes and checks them.

use std::fmt::Write;

use backdraft::attribution::Digest;

use super::RunFolder;
use crate::CliError;
use backdraft_report::{Record, RunRecord};

/// The file's name.
pub(crate) const FILE: &str = "SHA256SUMS";

/// Writes the digests of `files`, of those that are there, and of the record that is written next.
pub(super) fn write(folder: &RunFolder, files: &[String], record: &[u8]) -> Result<(), CliError> {
    let mut sums = String::new();
    let mut add = |name: &str, bytes: &[u8]| {
        let _ = writeln!(sums, "{}  {name}", Digest::of(bytes).digits());
    };
    for name in files {
        if let Some(bytes) = folder.read(name)? {
            add(name, &bytes);
        }
    }
    add(RunRecord::FILE, record);
    folder.write(FILE, sums.as_bytes())
}

/// The files of a whole run that are missing or not what was written, with what is wrong with each; none where nothing
/// tells.
pub(super) fn broken(
    read: impl Fn(&str) -> Result<Option<Vec<u8>>, CliError>,
) -> Result<Vec<(String, &'static str)>, CliError> {
    const NO_LIST: &str = "it is no list of digests";
    let mut broken = Vec::new();
    let Some(sums) = read(FILE)? else {
        return Ok(broken);
    };
    let Ok(sums) = String::from_utf8(sums) else {
        return Ok(vec![(FILE.to_owned(), NO_LIST)]);
    };
    let mut listed = false;
    for line in sums.lines() {
        let Some((sum, name)) = line.split_once("  ") else {
            broken.push((FILE.to_owned(), NO_LIST));
            break;
        };
        listed |= name == RunRecord::FILE;
        match read(name)? {
            None => broken.push((name.to_owned(), "it is missing")),
            Some(bytes) if Digest::of(&bytes).digits() != sum => {
                broken.push((name.to_owned(), "its digest is not that in SHA256SUMS"));
            }
            Some(_) => {}
        }
    }
    if !listed && broken.is_empty() {
        broken.push((FILE.to_owned(), "it does not end with the record"));
    }
    Ok(broken)
}
