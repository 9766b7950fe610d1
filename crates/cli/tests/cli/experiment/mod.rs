//! `decompose`, `correlate`, `sweep`, `mislabel` and `validate`.

mod correlate;
mod decompose;
mod failures;
mod groups;
mod mislabel;
mod refusals;
mod resume;
mod stages;
mod sweep;
mod validate;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::place::{Outcome, Place};

/// Logistic regression on the embedded cancer data: convex, and done in a moment.
const CANCER: &str = "--model lr --data cancer";

/// What an experiment that ended well said and wrote.
struct Done {
    stdout: String,
    folder: PathBuf,
    record: Value,
}

impl Place {
    /// Runs an experiment to its good end and reads what it left in `out`.
    fn experiment(&self, arguments: &str, out: &str) -> Result<Done, Box<dyn Error>> {
        let done = self
            .backdraft(&format!("{arguments} --out {out}"))
            .assert()
            .success();
        let stdout = String::from_utf8(done.get_output().stdout.clone())?;
        let command = arguments.split(' ').next().unwrap_or_default();
        let folder = self.path().join(out);
        let record = fs::read(folder.join(format!("{command}.json")))?;
        Ok(Done {
            stdout,
            folder,
            record: serde_json::from_slice(&record)?,
        })
    }
}

impl Done {
    /// The number at a path of the record such as `/gaps/solver/mean`; NaN where there is none.
    fn number(&self, path: &str) -> f64 {
        let value = self.record.pointer(path);
        value.and_then(Value::as_f64).unwrap_or(f64::NAN)
    }

    /// The list at a path of the record; empty where there is none.
    fn list(&self, path: &str) -> Vec<Value> {
        let value = self.record.pointer(path).and_then(Value::as_array);
        value.cloned().unwrap_or_default()
    }

    fn report(&self) -> std::io::Result<String> {
        fs::read_to_string(self.folder.join("report.html"))
    }

    /// The names of the files and folders, without the hidden ones.
    fn names(&self) -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        Ok(names)
    }

    /// The record without what the clock gives.
    fn timeless(&self) -> Value {
        timeless(self.record.clone())
    }
}

fn timeless(value: Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .into_iter()
            .filter(|(key, _)| key != "seconds")
            .map(|(key, value)| (key, timeless(value)))
            .collect(),
        Value::Array(values) => values.into_iter().map(timeless).collect(),
        value => value,
    }
}

/// The numbers of a list; NaN for what is none.
fn numbers(list: &Value) -> Vec<f64> {
    let values = list.as_array().into_iter().flatten();
    values.map(|it| it.as_f64().unwrap_or(f64::NAN)).collect()
}

/// The indices of a list.
fn indices(list: &Value) -> Vec<u64> {
    let values = list.as_array().into_iter().flatten();
    values.filter_map(Value::as_u64).collect()
}

fn assert_within(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} is not within {tolerance} of {expected}"
    );
}
