//! `audit.csv`: all training examples, the most suspect first.

use super::SuspectRecord;
use crate::{Labels, OutputError, PlaceColumns};

/// The file's name.
pub const AUDIT_FILE: &str = "audit.csv";

/// All examples as `rank,train,label,suggested,probability,fix,left_out_margin,margin,loss,self_influence,newton,score,
/// leverage`, where each stands, and `why`. `fix` is empty: a copy of the table in which it is filled in with labels,
/// or with `remove`, is what `--fix` takes. Losses are in the record's unit; what is not known is empty.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn audit_csv(suspects: &[SuspectRecord], labels: &Labels) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(AUDIT_FILE, reason);
    let stands = PlaceColumns::of(suspects.iter().map(|it| &it.source));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = [
        "rank",
        "train",
        "label",
        "suggested",
        "probability",
        "fix",
        "left_out_margin",
        "margin",
        "loss",
        "self_influence",
        "newton",
        "score",
        "leverage",
        "why",
    ];
    write(
        head.into_iter()
            .chain(stands.head())
            .map(String::from)
            .collect(),
    )?;
    let number = |it: Option<f64>| it.map_or_else(String::new, |it| format!("{it:?}"));
    for it in suspects {
        let suggested = it.suggested.map(|it| labels.exact(it));
        let mut record = vec![
            it.rank.to_string(),
            it.train.to_string(),
            labels.exact(it.label),
            suggested.unwrap_or_default(),
            number(it.probability),
            String::new(),
            number(it.left_out_margin),
            number(Some(it.margin)),
            number(Some(it.loss)),
            number(Some(it.self_influence)),
            number(it.newton),
            number(it.score),
            number(Some(it.leverage)),
            it.reason(labels),
        ];
        record.extend(stands.cells(&it.source));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
