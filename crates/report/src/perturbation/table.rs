//! The changes as a table for the terminal.

use super::{ChangeAgreement, ChangeOutcome, ChangeRecord, PerturbationRecord};
use crate::{
    Labels,
    number::{change, short_or_dash},
    table::aligned,
};

/// The changes in aligned columns, and below them how well predictions agree with what was found. Changes are in the
/// record's unit. Ends with a newline.
pub fn perturbation_table(record: &PerturbationRecord, labels: &Labels) -> String {
    let any = |of: fn(&ChangeRecord) -> bool| record.changes.iter().any(of);
    let answered = any(|it| it.response.is_some());
    let retrained = any(|it| it.retrained.is_some());
    let mut head = vec!["query", "change", "train", "label", "predicted"];
    head.extend(answered.then_some("response"));
    head.extend(retrained.then_some("retrained"));
    head.push("where the training example stands");
    let mut rows = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    rows.extend(record.changes.iter().map(|it| {
        let mut row = vec![
            it.query.to_string(),
            it.kind.name().to_string(),
            it.train.to_string(),
            label(it, labels),
            change(it.predicted),
        ];
        row.extend(answered.then(|| outcome(it.response.as_ref())));
        row.extend(retrained.then(|| outcome(it.retrained.as_ref())));
        row.push(it.source.to_string());
        row
    }));
    let last = rows[0].len() - 1;
    let mut text = aligned(&rows, &[1, 3, last]);
    let held = [
        ("response", &record.response),
        ("retraining", &record.retraining),
    ];
    for (name, agreements) in held {
        for (place, agreement) in agreements.iter().enumerate() {
            let apart = if place == 0 { "\n" } else { "" };
            text.push_str(&format!("{apart}{name}, {}\n", words(agreement)));
        }
    }
    text
}

/// The target, and what it becomes.
pub(super) fn label(change: &ChangeRecord, labels: &Labels) -> String {
    let label = labels.text(change.label.label);
    match change.label.to {
        Some(to) => format!("{label} -> {}", labels.text(to)),
        None => label,
    }
}

pub(super) fn outcome(found: Option<&ChangeOutcome>) -> String {
    match found {
        Some(ChangeOutcome::Found(found)) => change(*found),
        Some(ChangeOutcome::Failed(_)) => "failed".into(),
        None => String::new(),
    }
}

/// How far predictions agree with what was found.
pub(super) fn words(agreement: &ChangeAgreement) -> String {
    let failed = match agreement.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    format!(
        "{}: Pearson {}   Spearman {}   slope {}   over {} changes{failed}",
        agreement.kind.name(),
        short_or_dash(agreement.pearson),
        short_or_dash(agreement.spearman),
        short_or_dash(agreement.slope),
        agreement.changes,
    )
}
