//! What a data set asks to predict.

use serde::{Deserialize, Serialize};

use crate::objective::Objective;

/// What a data set asks to predict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// One of two classes; the model's single output is the logit of class 1.
    Binary {
        /// What classes 0 and 1 are called.
        names: [String; 2],
    },
    /// One of several classes; the model has one logit for each.
    Classification {
        /// What the classes are called, by class index.
        names: Vec<String>,
    },
    /// A number.
    Regression,
    /// At each place of a text the token that follows; the model has one logit for each token of the vocabulary.
    NextToken {
        /// The tokens, by id.
        vocabulary: Vec<String>,
    },
}

impl Task {
    /// The task of telling these classes apart: [`Binary`](Self::Binary) for two of them.
    pub fn of_classes(names: Vec<String>) -> Self {
        match <[String; 2]>::try_from(names) {
            Ok(names) => Self::Binary { names },
            Err(names) => Self::Classification { names },
        }
    }

    /// The same with a logit for each class, for a network that has two outputs for two classes. Other tasks stay as
    /// they are.
    pub fn with_logit_for_each(self) -> Self {
        match self {
            Self::Binary { names } => Self::Classification {
                names: names.to_vec(),
            },
            other => other,
        }
    }

    /// Names of the classes, by class index; the vocabulary for tokens, and empty for a regression.
    pub fn classes(&self) -> &[String] {
        match self {
            Self::Binary { names } => names,
            Self::Classification { names } => names,
            Self::Regression => &[],
            Self::NextToken { vocabulary } => vocabulary,
        }
    }

    /// How many outputs a model for this task has; at each place, for tokens.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Binary { .. } | Self::Regression => 1,
            Self::Classification { names } => names.len(),
            Self::NextToken { vocabulary } => vocabulary.len(),
        }
    }

    /// The loss that a model for this task is trained with.
    pub fn objective(&self) -> Objective {
        match self {
            Self::Binary { .. } => Objective::BinaryCrossEntropyWithLogits,
            Self::Classification { .. } | Self::NextToken { .. } => Objective::CrossEntropy,
            Self::Regression => Objective::SquaredError,
        }
    }
}
