//! Rules for names that differ.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::data::{contents, utf8};
use crate::quote;
use regex::Regex;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// What a rule's new name is for tensors to leave out.
const LEAVE_OUT: &str = "-";

/// How the names in a file become names in a model: rules `OLD=NEW`, of which the first that matches is applied, once.
///
/// ```text
/// 0=layers.0           the tensor 0, or the part 0. at the start of a name, becomes layers.0
/// module=              that start is taken away
/// =layers              layers. is put before every name
/// optimizer=-          tensors that start so are left out
/// /conv(\d+)/=convs.$1 wherever the regular expression matches, its groups are put in
/// ```
///
/// A start matches whole parts between dots: `fc1` is no start of `fc10.weight`. Without rules names stay.
///
/// ```
/// use backdraft_models::weights::NameMap;
///
/// let names = NameMap::parse(["fc1=hidden.0", r"/^block(\d)_/=blocks.$1."])?;
/// assert_eq!(names.rename("fc1.weight"), Some("hidden.0.weight".to_owned()));
/// assert_eq!(names.rename("block3_conv.bias"), Some("blocks.3.conv.bias".to_owned()));
/// assert_eq!(names.rename("fc10.weight"), Some("fc10.weight".to_owned()));
/// # Ok::<(), backdraft_models::weights::NameMapError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NameMap {
    rules: Vec<(Pattern, String)>,
}

#[derive(Clone, Debug)]
enum Pattern {
    /// Whole parts at the start of a name.
    Start(String),
    Regex(Regex),
}

/// Why a name map could not be understood.
#[derive(Debug, thiserror::Error)]
pub enum NameMapError {
    /// A rule has no `=`.
    #[error("`{rule}` is no rule for names; write OLD=NEW", rule = quote::text(.rule))]
    NoEquals {
        /// The rule.
        rule: String,
    },
    /// A regular expression is malformed.
    #[error(
        "`/{}/` is no regular expression ({reason}); correct it, or leave the slashes away for a plain name",
        quote::text(.pattern)
    )]
    Pattern {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of rules cannot be read.
    #[error("{}: cannot be read ({source}); check that it exists and may be read", quote::path(.path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A file of rules is not in JSON.
    #[error("{}: not a name map ({reason}); write a JSON object of old names and new ones, {{\"OLD\": \"NEW\"}}", quote::path(.path), reason = quote::reason(.reason))]
    Json {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        reason: String,
    },
}

impl NameMap {
    /// The rules `OLD=NEW`. A regular expression may hold `=`: it ends at the last `/=`.
    ///
    /// # Errors
    ///
    /// If one has no `=`, or a regular expression is malformed.
    pub fn parse<S: AsRef<str>>(rules: impl IntoIterator<Item = S>) -> Result<Self, NameMapError> {
        let mut map = Self::default();
        for rule in rules {
            let rule = rule.as_ref();
            let regex = rule
                .strip_prefix('/')
                .and_then(|rest| rest.rsplit_once("/="));
            match (regex, rule.split_once('=')) {
                (Some((pattern, new)), _) => map.push(&format!("/{pattern}/"), new)?,
                (None, Some((old, new))) => map.push(old, new)?,
                (None, None) => {
                    let rule = rule.to_owned();
                    return Err(NameMapError::NoEquals { rule });
                }
            }
        }
        Ok(map)
    }

    /// The rules of a JSON file `{"OLD": "NEW", ...}`, in the file's order.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is no such JSON, or a regular expression is malformed.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, NameMapError> {
        let path = path.as_ref().to_owned();
        let text = match contents(&path) {
            Ok(bytes) => utf8(bytes).map_err(|found| format!("it is {found}, not UTF-8")),
            Err(source) => return Err(NameMapError::Read { path, source }),
        };
        let pairs = text.and_then(|text| {
            serde_json::from_slice::<NamePairs>(&text).map_err(|error| error.to_string())
        });
        let pairs = match pairs {
            Ok(pairs) => pairs,
            Err(reason) => return Err(NameMapError::Json { path, reason }),
        };
        let mut map = Self::default();
        for (old, new) in pairs.0 {
            map.push(&old, &new)?;
        }
        Ok(map)
    }

    fn push(&mut self, old: &str, new: &str) -> Result<(), NameMapError> {
        let regex = old
            .strip_prefix('/')
            .and_then(|rest| rest.strip_suffix('/'));
        let pattern = match regex {
            Some(pattern) => match Regex::new(pattern) {
                Ok(regex) => Pattern::Regex(regex),
                Err(error) => {
                    return Err(NameMapError::Pattern {
                        pattern: pattern.to_owned(),
                        // The reason is drawn over several lines, the last of which says it.
                        reason: error
                            .to_string()
                            .lines()
                            .last()
                            .unwrap_or_default()
                            .to_owned(),
                    });
                }
            },
            None => Pattern::Start(old.to_owned()),
        };
        self.rules.push((pattern, new.to_owned()));
        Ok(())
    }

    /// What a tensor is called in the model; none if it is left out.
    pub fn rename(&self, name: &str) -> Option<String> {
        let renamed = self.rules.iter().find_map(|(pattern, new)| match pattern {
            Pattern::Start(old) => {
                let rest = start(name, old)?;
                let parts = [new.as_str(), rest];
                let parts = parts.into_iter().filter(|part| !part.is_empty());
                Some((new, parts.collect::<Vec<_>>().join(".")))
            }
            Pattern::Regex(regex) => regex
                .is_match(name)
                .then(|| (new, regex.replace_all(name, new).into_owned())),
        });
        match renamed {
            Some((new, _)) if new == LEAVE_OUT => None,
            Some((_, renamed)) => Some(renamed),
            None => Some(name.to_owned()),
        }
    }
}

/// What follows some whole parts at the start of a name.
fn start<'a>(name: &'a str, old: &str) -> Option<&'a str> {
    if old.is_empty() {
        return Some(name);
    }
    let rest = name.strip_prefix(old)?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('.')
    }
}

/// A JSON object of strings in the order of the file, which a map would lose.
struct NamePairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for NamePairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ordered;

        impl<'de> Visitor<'de> for Ordered {
            type Value = NamePairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of old names and new ones")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NamePairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(NamePairs(pairs))
            }
        }

        deserializer.deserialize_map(Ordered)
    }
}
