//! What an earlier run left in the folder of a training.

use backdraft_models::quote;
use serde_json::Value;

use super::settings::Settings;
use crate::{
    CliError,
    progress::warn,
    run_folder::{SETTINGS, refuse_others, refuse_versions, unmarked},
};
use backdraft_report::{OutputError, Seal, TrainingFolder, digest};

/// What an earlier run has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Earlier {
    /// There was none.
    None,
    /// It was stopped, or left files that are damaged: training goes on, or begins anew.
    Stopped,
    /// It has ended, with these results, and its files are whole.
    Ended(String),
}

/// What an earlier run in the folder has come to; the folder has the record of this training then.
pub(super) fn earlier(
    folder: &TrainingFolder,
    settings: &Settings<'_>,
    seal: &Seal,
) -> Result<Earlier, CliError> {
    if folder.read(TrainingFolder::RECORD)?.is_none() {
        folder.begin(&settings.record(None)?)?;
        return Ok(Earlier::None);
    }
    let Some(record) = record(folder, settings, seal)? else {
        folder.write(TrainingFolder::RECORD, &settings.record(None)?)?;
        return Ok(Earlier::Stopped);
    };
    refuse_versions(folder.path(), "training", &record)?;
    refuse_others(folder.path(), "training", settings, &record[SETTINGS])?;
    let results = &record["results"];
    if results.is_null() {
        return Ok(Earlier::Stopped);
    }
    let broken = broken(folder, results)?;
    // A run that was killed at its very end leaves it.
    folder.remove(TrainingFolder::STATE)?;
    if let Some((name, what)) = broken {
        warn(format_args!(
            "{} is {what}: the training, which had ended, begins anew, at its first step",
            quote::path(&folder.path().join(name))
        ));
        folder.write(TrainingFolder::RECORD, &settings.record(None)?)?;
        return Ok(Earlier::Stopped);
    }
    let summary = results["summary"].as_str();
    Ok(Earlier::Ended(
        summary.unwrap_or("without a summary").to_owned(),
    ))
}

/// The record of an earlier run; none if there is none, or it is damaged and nothing is lost with it.
fn record(
    folder: &TrainingFolder,
    settings: &Settings<'_>,
    seal: &Seal,
) -> Result<Option<Value>, CliError> {
    let Some(bytes) = folder.read(TrainingFolder::RECORD)? else {
        return Ok(None);
    };
    let path = folder.path().join(TrainingFolder::RECORD);
    let reason = match unmarked(TrainingFolder::RECORD, bytes) {
        Ok(record) => return Ok(Some(record)),
        Err(reason) => reason,
    };
    let state = folder.read(TrainingFolder::STATE)?;
    let is_ours = |state| seal.check(TrainingFolder::STATE, state).is_ok();
    let names = [
        TrainingFolder::STATE,
        TrainingFolder::BEST,
        TrainingFolder::LAST,
    ];
    let mut others = names.iter().map(|name| folder.path().join(name));
    if state.is_some_and(is_ours) || !others.any(|path| path.exists()) {
        warn(format_args!(
            "{} is damaged ({reason}): it is written anew, with this command's settings",
            quote::path(&path)
        ));
        return Ok(None);
    }
    let [_, best, last] = names;
    let lost = format!(
        "the settings and the results of the training that made {best} and {last} are lost, and nothing else tells whether it was this \
         one, {}",
        settings.model.name()
    );
    Err(OutputError::Damaged { path, reason, lost }.into())
}

/// The first file of a training that has ended which is not what the results tell of, and what it is. A damaged log is
/// told of: what is lost with it needs no training anew.
fn broken(
    folder: &TrainingFolder,
    results: &Value,
) -> Result<Option<(&'static str, &'static str)>, CliError> {
    let mut found = None;
    for name in [
        TrainingFolder::LOG,
        TrainingFolder::LAST,
        TrainingFolder::BEST,
    ] {
        let what = match folder.read(name)? {
            None => "missing",
            Some(bytes) if results["sha256"][name] != digest(&bytes) => "damaged",
            Some(_) => continue,
        };
        match name {
            TrainingFolder::LOG => warn(format_args!(
                "{} is {what}: what was measured in each pass is lost, the weights and the results are not",
                quote::path(&folder.path().join(name))
            )),
            name => found = Some((name, what)),
        }
    }
    Ok(found)
}
