//! The audit as a table for the terminal.

use super::{AuditRecord, CorrectionRecord, PlantedRecord, SHARES, SuspectRecord};
use crate::{
    Labels, Quality, Unit,
    number::{change, count, percent, plural, short, short_or_dash},
    table::aligned,
};

/// Suspects that are shown.
const SHOWN: usize = 20;

/// The first suspects in aligned columns; below them how soon planted errors are found, and what corrections changed.
/// Ends with a newline.
pub fn audit_table(record: &AuditRecord, labels: &Labels) -> String {
    let planted = record.planted.is_some();
    let mut head = match record.is_of_text() {
        true => vec!["rank", "train", "word", "network says", "sure", "margin"],
        false => vec![
            "rank",
            "train",
            "label",
            "suggested",
            "sure",
            "left-out margin",
        ],
    };
    head.extend(planted.then_some("truth"));
    head.push("where it stands");
    let mut rows = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
    rows.extend(record.suspects.iter().take(SHOWN).map(|it| {
        let mut row = vec![
            it.rank.to_string(),
            it.train.to_string(),
            labels.text(it.label),
            it.suggested
                .map_or_else(|| "?".into(), |it| labels.text(it)),
            it.probability.map_or_else(String::new, percent),
            short_or_dash(match it.token {
                Some(_) => Some(it.margin),
                None => it.left_out_margin,
            }),
        ];
        row.extend(planted.then(|| truth(it, labels)));
        let stands = it.token.as_ref().map_or(&it.source, |token| &token.source);
        row.push(stands.to_string());
        row
    }));
    let last = rows[0].len() - 1;
    let mut text = aligned(&rows, &[last]);
    if let Some(other) = record.other_class {
        text.push_str(&format!(
            "\n{} of {} training examples would get another class without them\n",
            count(other),
            count(record.run.sizes.train)
        ));
    }
    if let Some(planted) = &record.planted {
        text.push_str(&format!("\n{}", planted_table(planted)));
    }
    if let Some(corrections) = &record.corrections {
        text.push_str(&format!("\n{}\n", told(corrections, &record.run.unit)));
    }
    text
}

pub(super) fn truth(suspect: &SuspectRecord, labels: &Labels) -> String {
    let truth = suspect.truth.map_or_else(String::new, |it| labels.text(it));
    match suspect.token.as_ref().and_then(|it| it.planted) {
        Some(place) => format!("{truth} at place {place}"),
        None => truth,
    }
}

/// How soon each order finds the labels that were made wrong.
fn planted_table(planted: &PlantedRecord) -> String {
    let mut rows = vec![planted_head()];
    rows.extend(planted.rankings.iter().map(|it| {
        let precision = it.precision.iter().map(|it| percent(*it));
        let cells = [it.by.title().to_owned(), format!("{:.4}", it.auc)];
        cells.into_iter().chain(precision).collect()
    }));
    format!(
        "{} of {} labels were made wrong on purpose; suggestions restore {}\n{}",
        count(planted.wrong),
        count(planted.examples),
        count(planted.restored),
        aligned(&rows, &[0])
    )
}

pub(super) fn planted_head() -> Vec<String> {
    let shares = SHARES.map(|it| format!("wrong in first {}", percent(it)));
    let head = ["ranked by", "AUC"].map(String::from);
    head.into_iter().chain(shares).collect()
}

/// What corrections changed, in words.
pub(super) fn told(corrections: &CorrectionRecord, unit: &Unit) -> String {
    let of = |quality: &Quality| match quality.accuracy {
        Some(accuracy) => format!("{} right, loss {}", percent(accuracy), short(quality.loss)),
        None => format!("loss {} ({})", short(quality.loss), unit.told()),
    };
    let restored = corrections.restored.map(|it| {
        format!(
            " ({} of those made wrong on purpose are set right)",
            count(it)
        )
    });
    let as_given = corrections.as_given.as_ref().map(|it| {
        format!(
            "{} after training on with the labels as they are given, ",
            of(&it.test)
        )
    });
    let told = format!(
        "{} corrected and {} removed{}: on the test set {} before, {}{} after training {}",
        plural(corrections.relabelled, "target"),
        plural(corrections.removed, "example"),
        restored.unwrap_or_default(),
        of(&corrections.before.test),
        as_given.as_deref().unwrap_or_default(),
        of(&corrections.after.test),
        match &as_given {
            Some(_) => "on with them corrected",
            None => "again",
        }
    );
    let changed = corrections.after.test.loss
        - corrections
            .as_given
            .as_ref()
            .unwrap_or(&corrections.before)
            .test
            .loss;
    match corrections.predicted {
        Some(predicted) => format!(
            "{told}; influence predicted a change of the test loss of {}, and it is {}",
            change(predicted),
            change(changed)
        ),
        None => told,
    }
}
