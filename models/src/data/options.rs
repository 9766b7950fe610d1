//! What a reader of data is asked for: target, task, parts and scaling.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::moments_of::MomentsOf;
use super::reading::Categories;
use super::scaling::Rescale;

/// What is to be made of a source; the default leaves every choice to its reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadOptions {
    /// The column to predict: a table needs it, other sources have none.
    pub target: Option<String>,
    /// Whether targets are classes or numbers. By default a table's are told apart by what they look like, and labels
    /// of pictures are classes.
    pub task: Option<TaskKind>,
    /// What is done to inputs. By default tables and pictures in colour are standardised, and grey pixels divided by
    /// the brightest.
    pub inputs: Option<Rescale>,
    /// What is done to a regression's targets. By default they are standardised.
    pub targets: Option<Rescale>,
    /// Whose moments these are, where they are not given.
    pub moments: MomentsOf,
    /// What to test on, in place of a part that is drawn or of the source's own: a table, a folder of pictures or of
    /// IDX files, or CIFAR-10 records.
    pub test: Option<PathBuf>,
    /// The column of a table that says which part a row belongs to: `train`, `valid` or `test`.
    pub split: Option<String>,
    /// What is to be made of a table's other columns.
    pub table: TableOptions,
}

/// What is to be made of a table's columns; the default reads all of them, and finds out what separates them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The column that names the examples, which is carried to all that tells where one stands.
    pub id: Option<String>,
    /// Columns that are not read.
    pub ignore: Vec<String>,
    /// Columns whose values are categories, whatever they look like.
    pub categorical: Vec<String>,
    /// The categories of columns, as a network has them; of others those of the training part.
    pub categories: Vec<Categories>,
    /// The character, of one byte, between the columns of a text.
    pub separator: Option<u8>,
}

impl TableOptions {
    /// A column that is named, or what else only a table has.
    pub(crate) fn asked(&self) -> Option<String> {
        let mut columns = self.id.iter().chain(&self.ignore).chain(&self.categorical);
        let separator = self.separator.map(|it| char::from(it).to_string());
        columns.next().cloned().or(separator)
    }
}

/// What a target is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// A number.
    Regression,
    /// A class, whatever its label looks like.
    Classification,
}
