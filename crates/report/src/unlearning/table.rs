//! The networks as a table for the terminal.

use backdraft_attribution::Evidence;

use super::{CertificateRecord, UnlearnedRecord, UnlearningMethod, UnlearningRecord};
use crate::{
    Quality,
    number::{percent, plural, short, short_or_dash},
    table::aligned,
};

/// The networks in aligned columns, and below them what is certified. Distances are from the retrained network; those of
/// outputs and losses are in the record's unit. Ends with a newline.
pub fn unlearning_table(record: &UnlearningRecord) -> String {
    let rows = [head(record)].into_iter().chain(rows(record));
    let mut text = aligned(&rows.collect::<Vec<_>>(), &[0]);
    text.push_str(&format!(
        "\ndistances are from the network retrained without {}; an AUC of 0.5 tells nothing, by chance ± {}\n",
        plural(record.forgotten.len(), "example"),
        short_or_dash(record.trained().and_then(|it| it.by_loss).map(|it| it.chance)),
    ));
    for line in certificates(record) {
        text.push_str(&line);
        text.push('\n');
    }
    for it in record.networks.iter().filter(|it| it.failed.is_some()) {
        let reason = it.failed.as_deref().unwrap_or_default();
        text.push_str(&format!("{} failed: {reason}\n", called(it)));
    }
    text
}

/// The head of the table.
pub(super) fn head(record: &UnlearningRecord) -> Vec<String> {
    let quality = if has_accuracy(record) {
        "right"
    } else {
        "loss"
    };
    let mut head = vec!["method".to_owned(), "steps".to_owned()];
    head.extend(["parameters", "outputs: forgotten", "outputs: test"].map(String::from));
    head.extend(["forgotten", "retained", "test"].map(|part| format!("{quality}: {part}")));
    head.push("AUC".into());
    if record.references > 0 {
        head.push("calibrated AUC".into());
    }
    head.extend(["s", "of retraining"].map(String::from));
    head
}

/// A row for each network.
pub(super) fn rows(record: &UnlearningRecord) -> Vec<Vec<String>> {
    let retraining = record.retrained().map(|it| it.seconds);
    let quality = |it: &UnlearnedRecord, of: fn(&super::PartQuality) -> Quality| {
        it.quality.as_ref().map_or_else(
            || "–".into(),
            |quality| {
                let quality = of(quality);
                match quality.accuracy {
                    Some(accuracy) => percent(accuracy),
                    None => short(quality.loss),
                }
            },
        )
    };
    let row = |it: &UnlearnedRecord| {
        let steps = it.steps.map_or_else(|| "–".into(), |it| it.to_string());
        let mut row = vec![called(it), steps];
        row.extend(
            [
                it.parameter_distance,
                it.forgotten_distance,
                it.test_distance,
            ]
            .map(short_or_dash),
        );
        row.push(quality(it, |it| it.forgotten));
        row.push(quality(it, |it| it.retained));
        row.push(quality(it, |it| it.test));
        row.push(short_or_dash(it.by_loss.map(|it| it.auc)));
        if record.references > 0 {
            row.push(short_or_dash(it.calibrated.map(|it| it.auc)));
        }
        row.push(short(it.seconds));
        let share = retraining
            .filter(|it| *it > 0.0)
            .map(|all| it.seconds / all);
        row.push(match it.method {
            UnlearningMethod::Trained => "–".into(),
            _ => share.map_or_else(|| "–".into(), percent),
        });
        row
    };
    record.networks.iter().map(row).collect()
}

/// A network by its method and, where it has one, its share of the steps.
pub(super) fn called(it: &UnlearnedRecord) -> String {
    match (it.method, it.share) {
        (UnlearningMethod::D2d | UnlearningMethod::R2d, Some(share)) => {
            format!("{} {}", it.method.name(), short(share))
        }
        (method, _) => method.name().to_owned(),
    }
}

/// What certificates go by, what is certified of each network, and where nothing is, why; the same reason once.
pub(super) fn certificates(record: &UnlearningRecord) -> Vec<String> {
    let any = record.networks.iter().any(|it| it.certificate.is_some());
    let mut lines: Vec<String> = assumed(record).filter(|_| any).into_iter().collect();
    for it in &record.networks {
        let line = match &it.certificate {
            Some(CertificateRecord::Certified {
                certificate,
                retrained_steps,
                noisy_test,
            }) => format!(
                "{}: at most {} from {retrained_steps} steps of retraining; noise of {} on each parameter makes it ({}, {}) \
                 alike{}",
                called(it),
                short(certificate.distance),
                short(certificate.sigma),
                short(certificate.privacy.epsilon),
                short(certificate.privacy.delta),
                noisy_test.map_or_else(String::new, |it| format!(", and leaves {}", told(&it))),
            ),
            Some(CertificateRecord::Refused { refused }) => {
                format!("{}: {refused}", it.method.name())
            }
            None => continue,
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

/// The bounds that certificates assume.
fn assumed(record: &UnlearningRecord) -> Option<String> {
    let found = record.regularity?;
    let [least, greatest] = found.curvature;
    Some(format!(
        "certificates assume: the Hessian of a batch's mean loss lies between {} and {}, the gradient of an example's loss is \
         at most {}, both without the L2 term ({}); SGD without momentum, its steps in the order that was drawn",
        short(least),
        short(greatest),
        short(found.gradient),
        match found.evidence {
            Evidence::Derived => "derived from the data",
            Evidence::Given => "given, not checked",
            Evidence::Estimated => "estimated",
        }
    ))
}

fn told(quality: &Quality) -> String {
    match quality.accuracy {
        Some(accuracy) => format!("{} of the test part right", percent(accuracy)),
        None => format!("a loss of {} on the test part", short(quality.loss)),
    }
}

fn has_accuracy(record: &UnlearningRecord) -> bool {
    record.run.metrics.test.accuracy.is_some()
}
