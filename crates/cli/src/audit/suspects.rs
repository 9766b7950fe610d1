//! The examples as the files show them, the most suspect first.

use backdraft::attribution::{
    Audit, AuditBy, AuditTargets,
    audit::{AuditedExample, Suggestion},
    evaluate::Ranking,
};
use backdraft_models::data::{Dataset, LabelNoise, Targets};
use backdraft_report::{
    TargetValue, Unit,
    audit::{PlantedRecord, SuspectRecord, WorstToken},
};

use crate::{display::target, words};

/// The targets of the training examples; none of sequences, which have one at each place.
pub(super) fn targets(dataset: &Dataset) -> Option<AuditTargets> {
    match &dataset.train.targets {
        Targets::Classes(classes) => Some(AuditTargets::Classes(
            classes.iter().map(|&class| class as usize).collect(),
        )),
        Targets::Values(values) => Some(AuditTargets::Values(
            values.iter().map(|&value| value.into()).collect(),
        )),
        Targets::Tokens { .. } => None,
    }
}

/// All examples, the most suspect first.
pub(super) fn suspects(
    audit: &Audit,
    by: AuditBy,
    (dataset, noise): (&Dataset, Option<&LabelNoise>),
    unit: &Unit,
) -> Vec<SuspectRecord> {
    let change = |train: usize| noise?.changes.iter().find(|it| it.row == train);
    let truth = |train: usize| change(train).map(|it| TargetValue::Class(it.truth));
    let token = |train: usize| {
        let token = audit.examples[train].token.as_ref()?;
        let split = &dataset.train;
        Some(WorstToken {
            place: token.place,
            source: words::target_place(&dataset.train_source, split, train, token.place),
            loss: token.loss,
            text: words::text(dataset, split, train),
            planted: change(train).and_then(|it| it.place),
        })
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
            label: match &found.token {
                Some(token) => TargetValue::Class(token.token as i64),
                None => target(dataset, &dataset.train, train),
            },
            suggested,
            probability,
            left_out_margin: found.left_out_margin.map(margin),
            margin: margin(found.margin),
            loss: loss(found.loss),
            self_influence: found.self_influence.map(loss),
            newton: found.newton.map(loss),
            score: found.score.map(loss),
            leverage: found.leverage,
            truth: truth(train),
            token: token(train),
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
pub(super) fn other_class(audit: &Audit, targets: Option<&AuditTargets>) -> Option<usize> {
    let Some(AuditTargets::Classes(classes)) = targets else {
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
        let found = &audit.examples[it.row];
        let is_there = found.token.as_ref().map(|token| token.place) == it.place;
        let other = found.other_class(it.label as usize).filter(|_| is_there);
        other.is_some_and(|(class, _)| class as i64 == it.truth)
    });
    let suspicions = AuditBy::ALL.map(|by| (by, audit.suspicions(by)));
    let known = suspicions
        .into_iter()
        .filter(|it| it.1.iter().any(Option::is_some));
    let rankings = known.map(|(by, of)| (by, Ranking::of(of, &wrong)));
    let restored = restored.count();
    PlantedRecord::new(rankings, wrong.len(), audit.examples.len(), restored)
}
