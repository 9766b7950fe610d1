//! The record of a run: its settings and versions, and the results where nothing else says that it is whole.

use std::fs;

use backdraft_models::{Architecture, quote};
use serde::Serialize;
use serde_json::{Value, json};

use super::{RunFolder, differences, pretty};
use crate::{
    BURN, CliError,
    progress::warn,
    weights::{self, BEST, LAST},
};
use backdraft_report::{Broken, OutputError, Seal};

/// The keys of a record.
pub(crate) const SETTINGS: &str = "settings";
pub(crate) const VERSIONS: &str = "versions";
pub(super) const RESULTS: &str = "results";

/// What makes a run's numbers, beside its settings.
pub(crate) fn versions() -> Value {
    json!({ "backdraft": env!("CARGO_PKG_VERSION"), "burn": BURN })
}

impl RunFolder {
    pub(super) fn encode(
        &self,
        settings: &impl Serialize,
        results: Option<Value>,
    ) -> Result<Vec<u8>, CliError> {
        let mut record = json!({ SETTINGS: settings, VERSIONS: versions() });
        if self.tells_results() {
            record[RESULTS] = results.into();
        }
        Ok(Seal::unbound().mark(self.kind.contents.record, pretty(&record)?)?)
    }

    /// Whether no file but the record says that a run is whole.
    fn tells_results(&self) -> bool {
        self.kind.contents.results.is_empty()
    }

    /// Refuses a folder whose record holds something else than `own`: how that is said, and what to do.
    pub(super) fn refuse(
        &self,
        what: &str,
        own: &impl Serialize,
        record: &Value,
        [how, remedy]: [&str; 2],
    ) -> Result<(), CliError> {
        let found = differences(own, record)?;
        if found.is_empty() {
            return Ok(());
        }
        Err(CliError::Option {
            option: "--out",
            problem: format!(
                "{} holds {what} {how}: {}; {remedy}",
                quote::path(self.path()),
                found.join(", ")
            ),
        })
    }

    /// What the run is, as the folder has it; none if it has not, or it is damaged and what else is there is of this
    /// run.
    pub(super) fn record(&self, settings: &impl Serialize) -> Result<Option<Value>, CliError> {
        let name = self.kind.contents.record;
        let Some(bytes) = self.read(name)? else {
            return Ok(None);
        };
        let reason = match unmarked(name, bytes) {
            Ok(record) => return Ok(Some(record)),
            Err(reason) => reason,
        };
        let path = self.path().join(name);
        if self.is_of_another()? {
            let lost = self.lost(settings);
            return Err(OutputError::Damaged { path, reason, lost }.into());
        }
        warn(format_args!(
            "{} is damaged ({reason}): it is written anew, with this command's settings",
            quote::path(&path)
        ));
        Ok(None)
    }

    /// What is lost with a damaged record, where nothing else in the folder is of these settings.
    fn lost(&self, settings: &impl Serialize) -> String {
        if !self.tells_results() {
            return "nobody knows of which settings the rest of the folder is, and nothing in it is of these".to_owned();
        }
        let settings = serde_json::to_value(settings).unwrap_or_default();
        let model: Option<Architecture> = serde_json::from_value(settings["model"].clone()).ok();
        format!(
            "the settings and the results of the {} that made {BEST} and {LAST} are lost, and nothing else tells whether it was this one, {}",
            self.kind.name,
            model.map_or("of these settings", Architecture::name)
        )
    }

    /// Whether there are files that tell of a run, and none of them is of this one.
    fn is_of_another(&self) -> Result<bool, CliError> {
        let mut open: Vec<String> = self
            .kind
            .contents
            .others
            .iter()
            .map(|it| (*it).to_owned())
            .collect();
        // Their digests bind weights to no run.
        let weights = weights::FILES;
        let mut found = self.tells_results() && weights.iter().any(|it| self.holds(it));
        while let Some(name) = open.pop() {
            let path = self.path().join(&name);
            if weights.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                let inner = fs::read_dir(&path).into_iter().flatten().flatten();
                open.extend(inner.map(|it| format!("{name}/{}", it.file_name().to_string_lossy())));
            } else if let Some(bytes) = self.read(&name)? {
                match self.seal.check(&name, bytes) {
                    Ok(_) => return Ok(false),
                    Err(broken) => found |= broken == Broken::Differs,
                }
            }
        }
        Ok(found)
    }
}

/// What a record holds, or why it is not what was written.
pub(crate) fn unmarked(name: &str, bytes: Vec<u8>) -> Result<Value, String> {
    let bytes = Seal::unbound().check(name, bytes);
    let bytes = bytes.map_err(|broken| broken.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}
