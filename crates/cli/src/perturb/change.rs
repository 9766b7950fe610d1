//! Changes of training examples that were found.

use backdraft::attribution::InputChange;
use backdraft_models::data::{Dataset, Split, Targets};
use backdraft_report::perturbation::ChangeKind;

/// One of the strongest changes for a query.
pub(super) struct FoundChange {
    /// The query's row.
    pub row: usize,
    /// From 1 within the row and the kind.
    pub rank: usize,
    /// The training example.
    pub train: usize,
    /// The predicted change of the query's loss, in the units that the network is trained with.
    pub predicted: f64,
    pub what: ChangedPart,
}

/// What of the example is changed.
pub(super) enum ChangedPart {
    /// Its inputs, by a step.
    Inputs(InputChange),
    /// Its target, which becomes that of the alternative.
    Target { alternative: usize, to: NewTarget },
}

/// A target as the network is trained with.
#[derive(Clone, Copy)]
pub(super) enum NewTarget {
    Class(i64),
    Value(f32),
}

impl FoundChange {
    pub fn kind(&self) -> ChangeKind {
        match self.what {
            ChangedPart::Inputs(_) => ChangeKind::Inputs,
            ChangedPart::Target { .. } => ChangeKind::Label,
        }
    }

    /// What tells it from all others of a run: the same label of an example may be told for several queries.
    pub fn name(&self) -> String {
        match &self.what {
            ChangedPart::Inputs(_) => format!("inputs-{}-{}", self.row, self.train),
            ChangedPart::Target { alternative, .. } => {
                format!("label-{}-{alternative}", self.train)
            }
        }
    }

    /// The example as it becomes: a part of one row.
    pub fn changed(&self, dataset: &Dataset) -> Split {
        let mut split = dataset.train.select(&[self.train]);
        match &self.what {
            ChangedPart::Inputs(change) => {
                for (x, step) in split.features.iter_mut().zip(&change.step) {
                    *x = (f64::from(*x) + step) as f32;
                }
            }
            ChangedPart::Target { to, .. } => {
                split.targets = match to {
                    NewTarget::Class(class) => Targets::Classes(vec![*class]),
                    NewTarget::Value(value) => Targets::Values(vec![*value]),
                };
            }
        }
        dataset.weighted(split)
    }

    /// The training part with the example as it becomes.
    pub fn training_part(&self, dataset: &Dataset) -> Split {
        let (mut train, changed) = (dataset.train.clone(), self.changed(dataset));
        let start = self.train * train.columns;
        train.features[start..][..train.columns].copy_from_slice(&changed.features);
        match (&mut train.targets, &changed.targets) {
            (Targets::Classes(all), Targets::Classes(one)) => all[self.train] = one[0],
            (Targets::Values(all), Targets::Values(one)) => all[self.train] = one[0],
            _ => unreachable!("the example is of the same kind"),
        }
        dataset.weighted(train)
    }
}
