//! `audit.csv`: all training examples, the most suspect first.

use super::SuspectRecord;
use crate::{Labels, OutputError, PlaceColumns};

/// The file's name.
pub const AUDIT_FILE: &str = "audit.csv";

/// All examples as `rank,train,label,suggested,probability,fix,left_out_margin,margin,loss,self_influence,newton,score,
/// leverage`, where each stands, and `why`; of sequences also `place`, that of their worst token, which label and
/// suggestion are of, `place_in_file`, its line, say, and `words`, all of them. `fix` is empty: a copy of the table in
/// which it is filled in with labels, or with `remove`, is what `--fix` takes. Losses are in the record's unit; what is
/// not known is empty.
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
    let of_tokens = suspects.iter().any(|it| it.token.is_some());
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
    let words = ["place", "place_in_file", "words"].into_iter();
    let head = head.into_iter().chain(words.filter(|_| of_tokens));
    write(head.chain(stands.head()).map(String::from).collect())?;
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
            number(it.self_influence),
            number(it.newton),
            number(it.score),
            number(it.leverage),
            it.reason(labels),
        ];
        if let Some(token) = &it.token {
            let stands = token.source.at.map(|at| at.number().to_string());
            record.extend([
                token.place.to_string(),
                stands.unwrap_or_default(),
                token.text.clone(),
            ]);
        }
        record.extend(stands.cells(&it.source));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
