//! What is made of a table's columns.

use backdraft_models::{data::TableOptions, weights::WeightsRecord};
use clap::Args;

/// Options of every command that reads data, for tables.
#[derive(Clone, Debug, Args)]
pub(crate) struct TableArgs {
    /// The column of a table that names its examples: wherever a file or report tells where an example stands, it has the
    /// name beside.
    #[arg(long, value_name = "COLUMN")]
    pub id: Option<String>,

    /// Columns of a table that are not read.
    #[arg(long, value_name = "C1,C2,..", value_delimiter = ',')]
    pub ignore: Vec<String>,

    /// Columns of a table whose values are categories, even if they are numbers, many, or signs for a missing value: each
    /// becomes an input that is 1 for it and 0 for others. Texts of which there are few are taken so unasked.
    #[arg(long, value_name = "C1,C2,..", value_delimiter = ',')]
    pub categorical: Vec<String>,

    /// The character between the columns of a table, or `tab`. Default: what cuts the first lines into equally many
    /// columns, of comma, semicolon, tab and `|`.
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    pub separator: Option<u8>,
}

impl TableArgs {
    /// What is to be made of a table.
    pub fn options(&self) -> TableOptions {
        TableOptions {
            id: self.id.clone(),
            ignore: self.ignore.clone(),
            categorical: self.categorical.clone(),
            categories: Vec::new(),
            separator: self.separator,
        }
    }

    /// The same for weights, whose categories the data have.
    pub fn options_for(&self, weights: &WeightsRecord) -> TableOptions {
        TableOptions {
            categories: weights.categorical.clone(),
            ..self.options()
        }
    }
}

/// One character of ASCII that can separate.
fn separator(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        _ if ["tab", "\\t"].contains(&text) => Ok(b'\t'),
        [b'"' | b'\n' | b'\r'] => Err("a quote or an end of line cannot separate columns".into()),
        [one] if one.is_ascii() => Ok(*one),
        _ => Err("give one character of ASCII, such as `;`, or `tab`".into()),
    }
}
