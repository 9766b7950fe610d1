//! What an example should be predicted as, and how that is shown.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number;

/// A label, a target value or a prediction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TargetValue {
    /// A class, counted from 0.
    Class(i64),
    /// A number to be met, in the units of the target.
    Value(f64),
    /// Those of a sequence: a token at each of its places. `null` in records.
    Tokens,
}

impl fmt::Display for TargetValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(class) => write!(f, "{class}"),
            Self::Value(value) => f.write_str(&number::own(*value)),
            Self::Tokens => Ok(()),
        }
    }
}

/// The targets of all training examples.
#[derive(Clone, Debug, PartialEq)]
pub enum Labels {
    /// Classification.
    Classes {
        /// The class of each training example.
        of: Vec<i64>,
        /// What the classes are called; a class without a name goes by its number.
        names: Vec<String>,
    },
    /// Regression: the target value of each training example.
    Values(Vec<f64>),
    /// Sequences, which have a token at each place.
    Tokens {
        /// Number of training examples.
        examples: usize,
        /// What the tokens are called, by id.
        vocabulary: Vec<String>,
    },
}

impl Labels {
    /// Number of training examples.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { of, .. } => of.len(),
            Self::Values(values) => values.len(),
            Self::Tokens { examples, .. } => *examples,
        }
    }

    /// Whether there are no training examples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The target of training example `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<TargetValue> {
        match self {
            Self::Classes { of, .. } => of.get(index).copied().map(TargetValue::Class),
            Self::Values(values) => values.get(index).copied().map(TargetValue::Value),
            Self::Tokens { examples, .. } => (index < *examples).then_some(TargetValue::Tokens),
        }
    }

    /// A target with all its digits, as tables hold it: the class's name where it has one, else the number.
    pub(super) fn exact(&self, target: TargetValue) -> String {
        match target {
            TargetValue::Value(value) => number::brief(value),
            class => self.text(class),
        }
    }

    /// How a target reads: the class's name where it has one, else the number; nothing of a sequence.
    pub fn text(&self, target: TargetValue) -> String {
        match (self, target) {
            (
                Self::Classes { names, .. }
                | Self::Tokens {
                    vocabulary: names, ..
                },
                TargetValue::Class(class),
            ) => usize::try_from(class)
                .ok()
                .and_then(|class| names.get(class))
                .map_or_else(|| class.to_string(), Clone::clone),
            _ => target.to_string(),
        }
    }
}
