//! A run in a few facts.

use serde_json::{Map, Value};

use super::{Html, element, facts, text};
use crate::Quality;
use crate::number::{count, percent, short};

/// How good a model is on a set of so many examples.
pub(crate) fn quality(examples: usize, quality: &Quality) -> String {
    let accuracy = quality
        .accuracy
        .map(|share| format!("{} right, ", percent(share)));
    format!(
        "{}loss {}, {} examples",
        accuracy.unwrap_or_default(),
        short(quality.loss),
        count(examples)
    )
}

/// All settings that have no place of their own, to be unfolded.
pub(crate) fn details(details: &Map<String, Value>) -> Html {
    let setting = |(name, value): (&String, &Value)| (name.clone(), plain(value));
    more("All settings", facts(details.iter().map(setting)))
}

/// What is shown when its title is clicked.
pub(crate) fn more(title: &str, content: Html) -> Html {
    element("details", &[], [text("summary", title), content])
}

/// A fact whose name is a word of ours.
pub(crate) fn named((name, value): (&str, String)) -> (String, String) {
    (name.to_string(), value)
}

/// A setting without JSON's quotes around a bare string.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_string(),
        None => value.to_string(),
    }
}
