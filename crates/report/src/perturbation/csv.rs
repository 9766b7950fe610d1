//! `perturbations.csv`: the strongest changes of training examples.

use super::{ChangeOutcome, ChangeRecord};
use crate::{Labels, OutputError, PlaceColumns};

/// The file's name.
pub const PERTURBATIONS_FILE: &str = "perturbations.csv";

/// The changes in their order, as `query,rank,kind,train,label,to,predicted,first_order,response,retrained` and where
/// the training example stands. Changes of a loss are in the record's unit; what is not known is empty.
///
/// # Errors
/// [`OutputError::Encode`].
pub fn perturbations_csv(
    changes: &[ChangeRecord],
    labels: &Labels,
) -> Result<Vec<u8>, OutputError> {
    let refused = |reason: String| OutputError::encode(PERTURBATIONS_FILE, reason);
    let stands = PlaceColumns::of(changes.iter().map(|it| &it.source));
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut write = |record: Vec<String>| {
        let done = table.write_record(record);
        done.map_err(|error| refused(error.to_string()))
    };
    let head = [
        "query",
        "rank",
        "kind",
        "train",
        "label",
        "to",
        "predicted",
        "first_order",
        "response",
        "retrained",
    ];
    write(
        head.into_iter()
            .chain(stands.head())
            .map(String::from)
            .collect(),
    )?;
    let number = |it: Option<f64>| it.map_or_else(String::new, |it| format!("{it:?}"));
    let outcome = |it: &Option<ChangeOutcome>| number(it.as_ref().and_then(ChangeOutcome::found));
    for it in changes {
        let to = it.label.to.map(|to| labels.exact(to));
        let mut record = vec![
            it.query.to_string(),
            it.rank.to_string(),
            it.kind.name().into(),
            it.train.to_string(),
            labels.exact(it.label.label),
            to.unwrap_or_default(),
            format!("{:?}", it.predicted),
            number(it.first_order),
            outcome(&it.response),
            outcome(&it.retrained),
        ];
        record.extend(stands.cells(&it.source));
        write(record)?;
    }
    table
        .into_inner()
        .map_err(|error| refused(error.to_string()))
}
