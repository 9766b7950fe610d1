//! What the scores of a store are of.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ScoreStoreError;

/// What the scores are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ScoreFloat {
    /// 32 bits.
    F32,
    /// 64 bits.
    F64,
}

/// What the scores of a store are of: all rows share it, and a store of another is not added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreIndex {
    /// Training examples: the columns.
    pub examples: usize,
    /// What these are called, where they have names; else they are counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example_ids: Option<Vec<String>>,
    /// What the numbers are stored as.
    pub float: ScoreFloat,
    /// What a positive score means.
    pub sign: String,
    /// The unit of the scores.
    pub unit: String,
    /// What they were multiplied with to be in that unit.
    pub scale: f64,
    /// All that they depend on: digests of the weights and the data, damping, solver and what else there is.
    pub settings: Map<String, Value>,
}

/// How an index is written: the version of the layout first.
#[derive(Serialize, Deserialize)]
struct Written {
    format: String,
    #[serde(flatten)]
    index: ScoreIndex,
}

const FORMAT: &str = "backdraft scores 1";

impl ScoreIndex {
    /// As a file has it.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let written = Written {
            format: FORMAT.into(),
            index: self.clone(),
        };
        let mut json = serde_json::to_vec_pretty(&written)?;
        json.push(b'\n');
        Ok(json)
    }

    /// What [`to_json`](Self::to_json) made, of the store in `folder`.
    pub(super) fn from_json(json: &[u8], folder: &Path) -> Result<Self, ScoreStoreError> {
        let not = |reason: String| ScoreStoreError::NotAStore {
            path: folder.to_path_buf(),
            reason,
        };
        let written: Written =
            serde_json::from_slice(json).map_err(|error| not(format!("its index: {error}")))?;
        match &*written.format {
            FORMAT => Ok(written.index),
            other => Err(not(format!(
                "its layout is `{other}`, where this version reads `{FORMAT}`"
            ))),
        }
    }

    /// Refuses the store in `folder`, which is of `self`, where one of `asked` is wanted. Both come from text, in which
    /// a number may have lost its last digit.
    pub(super) fn check(&self, asked: &Self, folder: &Path) -> Result<(), ScoreStoreError> {
        let (found, asked) = (self.values(), asked.values());
        let mut names: Vec<&String> = found.keys().chain(asked.keys()).collect();
        names.sort();
        let Some(name) = names.into_iter().find(|&it| found.get(it) != asked.get(it)) else {
            return Ok(());
        };
        let told = |value: Option<&Value>| value.map_or("nothing".into(), Value::to_string);
        Err(ScoreStoreError::Other {
            path: folder.to_path_buf(),
            found: told(found.get(name)),
            expected: told(asked.get(name)),
            name: name.clone(),
        })
    }

    /// All by name, the settings among the rest.
    fn values(&self) -> Map<String, Value> {
        // Of numbers and texts alone.
        let Ok(Value::Object(mut all)) = serde_json::to_value(self) else {
            return Map::new();
        };
        if let Some(Value::Object(settings)) = all.remove("settings") {
            all.extend(settings);
        }
        all
    }
}
