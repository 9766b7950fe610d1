//! Whose numbers a rule of scaling goes by.

use serde::{Deserialize, Serialize};

/// Whose smallest, largest and mean numbers a rule of scaling goes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MomentsOf {
    /// The training part's.
    #[default]
    Train,
    /// All examples': as whoever scaled a table before dividing it.
    All,
}

impl MomentsOf {
    /// Whether they are the training part's.
    pub(crate) fn is_train(&self) -> bool {
        *self == Self::Train
    }
}
