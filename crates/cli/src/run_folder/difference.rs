//! How settings differ from those of an earlier run.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::CliError;

/// What differs from the settings that a record holds, in words; empty if nothing does.
pub(crate) fn differences(own: &impl Serialize, record: &Value) -> Result<Vec<String>, CliError> {
    // By way of text, as the record went.
    let own = serde_json::to_string(own).and_then(|text| serde_json::from_str(&text));
    let own: Value = own.map_err(|error| CliError::Weights(error.to_string()))?;
    let mut found = Vec::new();
    compare("", &own, record, &mut found);
    Ok(found)
}

fn compare(path: &str, own: &Value, other: &Value, found: &mut Vec<String>) {
    match (own, other) {
        (Value::Object(own), Value::Object(other)) => {
            let keys = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            let mut all = keys(own);
            all.extend(keys(other).into_iter().filter(|key| !own.contains_key(key)));
            for key in all {
                let at = match path {
                    "" => key.clone(),
                    _ => format!("{path}.{key}"),
                };
                let value = |map: &Map<String, Value>| map.get(&key).cloned().unwrap_or_default();
                compare(&at, &value(own), &value(other), found);
            }
        }
        _ if own == other => {}
        _ => found.push(format!("{path} was {other}, not {own}")),
    }
}
