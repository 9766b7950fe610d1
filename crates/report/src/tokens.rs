//! `tokens.csv`: which tokens of training sequences scores come from.

use super::top::query_cell;
use super::{OutputError, Place, PlaceColumns};

/// The file's name.
pub const TOKENS_FILE: &str = "tokens.csv";

/// One place of a training sequence, and its part of the sequence's score for a query.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenRow {
    /// The test example; none for the mean over the queries.
    pub query: Option<usize>,
    /// Index of the training example.
    pub train: usize,
    /// Counted from 0.
    pub place: usize,
    /// The token that is read there.
    pub token: String,
    /// The token that follows, whose loss the score is of.
    pub target: String,
    /// In the unit of the sequence's score; those of all places sum to it.
    pub score: f64,
    /// The file, and in a text the line on which the target stands.
    pub source: Place,
}

/// The rows as `query,train,place,token,target,score`, and where the target stands, as [`PlaceColumns`] has it.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn tokens_csv(rows: &[TokenRow]) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(TOKENS_FILE, reason);
    let stands = PlaceColumns::of(rows.iter().map(|it| &it.source));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = ["query", "train", "place", "token", "target", "score"].into_iter();
    write(head.chain(stands.head()).map(String::from).collect())?;
    for row in rows {
        let mut record = vec![
            query_cell(row.query),
            row.train.to_string(),
            row.place.to_string(),
            row.token.clone(),
            row.target.clone(),
            format!("{:?}", row.score),
        ];
        record.extend(stands.cells(&row.source));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
