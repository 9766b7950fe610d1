//! How the columns of a table were read, and what is worth telling of it.

use serde::{Deserialize, Serialize};

/// How the columns of a table were read; the default for sources that have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The column that names the examples.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Columns that were not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Columns that stand as one input for each of their categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<Categories>,
    /// What was made of the source, in sentences to show.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// What a reader should look at, in sentences to show as warnings.
    #[serde(skip)]
    pub warnings: Vec<String>,
}

/// A column of categories: input `column=value` of an example is 1 for its own category and 0 for all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Categories {
    /// The column.
    pub column: String,
    /// Its categories in the order of their inputs: numerical if all are numbers, else alphabetical.
    pub values: Vec<String>,
}

impl Categories {
    /// The names of their inputs.
    pub fn inputs(&self) -> impl Iterator<Item = String> {
        self.values
            .iter()
            .map(|value| format!("{}={value}", self.column))
    }
}
