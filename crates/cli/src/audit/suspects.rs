//! The examples as the files show them, the most suspect first.

use backdraft::attribution::{
    Audit, AuditBy, AuditTargets,
    audit::{AuditedExample, Suggestion},
    evaluate::Ranking,
};
use backdraft_models::data::{Dataset, LabelNoise, Targets};
use backdraft_report::{
    TargetValue, Unit,
    audit::{PlantedRecord, SuspectRecord},
};

use crate::display::target;

/// The targets of the training examples.
pub(super) fn targets(dataset: &Dataset) -> AuditTargets {
    match &dataset.train.targets {
        Targets::Classes(classes) => {
            AuditTargets::Classes(classes.iter().map(|&class| class as usize).collect())
        }
        Targets::Values(values) => {
            AuditTargets::Values(values.iter().map(|&value| value.into()).collect())
        }
        Targets::Tokens { .. } => panic!("text has no one target for an example"),
    }
}

/// All examples, the most suspect first.
pub(super) fn suspects(
    audit: &Audit,
    by: AuditBy,
    (dataset, noise): (&Dataset, Option<&LabelNoise>),
    unit: &Unit,
) -> Vec<SuspectRecord> {
    let truth = |train: usize| {
        let change = noise?.changes.iter().find(|it| it.row == train);
        change.map(|it| TargetValue::Class(it.truth))
    };
    let order = audit.order(by);
    let told = (1..).zip(order).map(|(rank, train)| {
        let found = &audit.examples[train];
        let (suggested, probability) = suggestion(found, dataset);
        // A margin of values is a distance, of outputs as the network gives them.
        let margin = |it: f64| match probability.is_some() || found.suggestion.is_none() {
            true => it,
            false => it * dataset.target_std(),
        };
        let loss = |it: f64| unit.loss_factor * it;
        SuspectRecord {
            rank,
            train,
            source: dataset.train_place(train),
            label: target(dataset, &dataset.train, train),
            suggested,
            probability,
            left_out_margin: found.left_out_margin.map(margin),
            margin: margin(found.margin),
            loss: loss(found.loss),
            self_influence: loss(found.self_influence),
            newton: found.newton.map(loss),
            score: found.score.map(loss),
            leverage: found.leverage,
            truth: truth(train),
        }
    });
    told.collect()
}

/// What the network would say without the example, and how sure it would be of a class.
fn suggestion(found: &AuditedExample, dataset: &Dataset) -> (Option<TargetValue>, Option<f64>) {
    match found.suggestion {
        Some(Suggestion::Class { class, probability }) => {
            (Some(TargetValue::Class(class as i64)), Some(probability))
        }
        Some(Suggestion::Value(value)) => (
            Some(TargetValue::Value(dataset.restored_output(value))),
            None,
        ),
        None => (None, None),
    }
}

/// Examples of which the network would give another class without them; none for values.
pub(super) fn other_class(audit: &Audit, targets: &AuditTargets) -> Option<usize> {
    let AuditTargets::Classes(classes) = targets else {
        return None;
    };
    let pairs = audit.examples.iter().zip(classes);
    Some(
        pairs
            .filter(|(found, class)| found.other_class(**class).is_some())
            .count(),
    )
}

/// How soon labels that were made wrong on purpose are found.
pub(super) fn planted(audit: &Audit, noise: &LabelNoise) -> PlantedRecord {
    let wrong: Vec<usize> = noise.changes.iter().map(|it| it.row).collect();
    let restored = noise.changes.iter().filter(|it| {
        let other = audit.examples[it.row].other_class(it.label as usize);
        other.is_some_and(|(class, _)| class as i64 == it.truth)
    });
    let rankings = AuditBy::ALL.map(|by| (by, Ranking::of(audit.suspicions(by), &wrong)));
    let restored = restored.count();
    PlantedRecord::new(rankings, wrong.len(), audit.examples.len(), restored)
}
