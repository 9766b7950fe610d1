//! The folder of a training, and what an earlier run left in it.

use backdraft::attribution::Digest;
use backdraft_models::quote;
use serde_json::Value;

use super::{settings::TrainSettings, state};
use crate::{
    CliError,
    inputs::WRONG_LABELS,
    progress::warn,
    run_folder::{Kind, RunFolder},
    weights::{BEST, LAST},
};
use backdraft_report::Contents;

/// One line of JSON for each pass over the data.
pub(super) const LOG: &str = "log.jsonl";

/// A training's record has the settings, and the results once it has ended.
pub(super) const KIND: Kind = Kind {
    name: "training",
    contents: Contents {
        record: "train.json",
        results: &[],
        others: &[state::FILE, LOG, BEST, LAST, WRONG_LABELS],
        parts: &[],
    },
    network: LAST,
    computed: &[],
};

/// The results of an earlier run that has ended, in words, if its files are whole. Otherwise training goes on where it
/// stands, or begins anew.
pub(super) fn ended(
    folder: &RunFolder,
    settings: &TrainSettings<'_>,
) -> Result<Option<String>, CliError> {
    let Some(results) = folder.results() else {
        return Ok(None);
    };
    let broken = broken(folder, results)?;
    // A run that was killed at its very end leaves it.
    folder.remove(state::FILE)?;
    if let Some((name, what)) = broken {
        warn(format_args!(
            "{} is {what}: the training, which had ended, begins anew, at its first step",
            quote::path(&folder.path().join(name))
        ));
        folder.write_record(settings, None)?;
        return Ok(None);
    }
    let summary = results["summary"].as_str();
    Ok(Some(summary.unwrap_or("without a summary").to_owned()))
}

/// The first file of a training that has ended which is not what the results tell of, and what it is. A damaged log is
/// told of: what is lost with it needs no training anew.
fn broken(
    folder: &RunFolder,
    results: &Value,
) -> Result<Option<(&'static str, &'static str)>, CliError> {
    let mut found = None;
    for name in [LOG, LAST, BEST] {
        let what = match folder.read(name)? {
            None => "missing",
            Some(bytes) if results["sha256"][name] != Digest::of(&bytes).digits() => "damaged",
            Some(_) => continue,
        };
        match name {
            LOG => warn(format_args!(
                "{} is {what}: what was measured in each pass is lost, the weights and the results are not",
                quote::path(&folder.path().join(name))
            )),
            name => found = Some((name, what)),
        }
    }
    Ok(found)
}
