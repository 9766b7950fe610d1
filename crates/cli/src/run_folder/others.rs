//! Folders of the same run in other processes.

use std::path::Path;

use backdraft_models::quote;
use serde::Serialize;

use super::{Kind, SETTINGS, VERSIONS, differences, unmarked, versions};
use crate::CliError;

/// Refuses a folder to be merged that holds anything but a run of `settings` made by the same programs.
pub(crate) fn check_folder(
    part: &Path,
    kind: Kind,
    settings: &impl Serialize,
) -> Result<(), CliError> {
    let refuse = |problem: String| {
        let problem = format!("{} {problem}", quote::path(part));
        Err(CliError::Option {
            option: "--merge",
            problem,
        })
    };
    let file = kind.contents.record;
    let noun = kind.name.split_once(' ').map_or(kind.name, |it| it.1);
    let Ok(record) = std::fs::read(part.join(file)) else {
        return refuse(format!("holds no {noun}: there is no {file}"));
    };
    let Ok(record) = unmarked(file, record) else {
        return refuse(format!(
            "holds a damaged {file}, without which nobody knows of which {noun} its parts are; leave that folder out, and \
             they are computed here, or restore the file"
        ));
    };
    let found = differences(settings, &record[SETTINGS])?;
    if !found.is_empty() {
        return refuse(format!("holds another {noun}: {}", found.join(", ")));
    }
    let found = differences(&versions(), &record[VERSIONS])?;
    match found.is_empty() {
        true => Ok(()),
        false => refuse(format!(
            "was made by another version: {}; make all parts by the same",
            found.join(", ")
        )),
    }
}
