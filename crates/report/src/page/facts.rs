//! A run in a few facts.

use serde_json::{Map, Value};

use super::{Html, element, facts, section, text};
use crate::number::{percent, plural, short};
use crate::{Quality, Versions};

/// How good a model is on a set of so many examples.
pub(crate) fn quality(examples: usize, quality: &Quality) -> String {
    let accuracy = quality
        .accuracy
        .map(|share| format!("{} right, ", percent(share)));
    format!(
        "{}loss {}, {}",
        accuracy.unwrap_or_default(),
        short(quality.loss),
        plural(examples, "example")
    )
}

/// The run in a few facts, and to be unfolded all settings that have no place of their own, the seconds of each stage,
/// and what computed.
pub(crate) fn run_section<'a>(
    main: impl IntoIterator<Item = (&'a str, String)>,
    settings: &Map<String, Value>,
    seconds: impl Iterator<Item = (&'a String, f64)>,
    versions: &Versions,
    started: Option<(&'a str, String)>,
) -> Html {
    let named = |(name, value): (&str, String)| (name.to_string(), value);
    let setting = |(name, value): (&String, &Value)| (name.clone(), plain(value));
    let seconds = seconds.map(|(stage, it)| (stage.clone(), format!("{} s", short(it))));
    let versions = [
        ("backdraft", versions.backdraft.clone()),
        ("burn", versions.burn.clone()),
    ];
    let versions = versions.into_iter().chain(started).map(named);
    section(
        "The run",
        [
            facts(main.into_iter().map(named)),
            more("All settings", facts(settings.iter().map(setting))),
            more("Timings and versions", facts(seconds.chain(versions))),
        ],
    )
}

/// What is shown when its title is clicked.
pub(crate) fn more(title: &str, content: Html) -> Html {
    element("details", &[], [text("summary", title), content])
}

/// A setting without JSON's quotes around a bare string.
fn plain(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_string(),
        None => value.to_string(),
    }
}
