//! What the removal of groups does, beside what is predicted of it.

use backdraft_attribution::evaluate::{FailedRemoval, GroupAgreement, GroupEffect, GroupKind};
use serde::{Deserialize, Serialize};

use super::Setup;
use crate::{OutputError, Unit};

/// `groups.json`: effects of groups as influence and as the Newton estimate predict, and actual ones (Koh et al. 2019).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupsRecord {
    /// One for each strength of the L2 term, in order.
    pub points: Vec<GroupsPointRecord>,
    /// Strengths with which nothing came of it, and why.
    pub failures: Vec<(f64, String)>,
}

/// The effects with one strength of the L2 term.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupsPointRecord {
    /// The strength.
    pub l2: f64,
    /// What was asked.
    pub setup: Setup,
    /// Indices of the test examples.
    pub tests: Vec<usize>,
    /// Of all groups, of each kind, and of each kind and size.
    pub agreements: Vec<GroupAgreementRecord>,
    /// Each group's, in the record's unit of losses.
    pub groups: Vec<GroupEffectRecord>,
    /// Groups left out, with the reason.
    pub failed: Vec<FailedRemoval>,
}

/// A group with its effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEffectRecord {
    /// What it is made of.
    pub kind: GroupKind,
    /// What its removal does.
    #[serde(flatten)]
    pub effect: GroupEffect,
}

/// How well the effects of some groups are predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupAgreementRecord {
    /// The kind; none of all kinds.
    pub kind: Option<GroupKind>,
    /// The number of examples in each; none of all sizes.
    pub size: Option<usize>,
    /// Number of groups.
    pub groups: usize,
    /// By influence.
    pub influence: GroupAgreement,
    /// By the Newton estimate.
    pub newton: GroupAgreement,
}

impl GroupsRecord {
    /// The table of all effects, a row a group and query.
    pub const CSV: &str = "groups.csv";

    /// All effects as `l2,kind,size,group,query,influence,newton,actual`, groups counted from 0 and queries by their
    /// test index.
    ///
    /// # Errors
    /// [`OutputError::Encode`].
    pub fn to_csv(&self) -> Result<Vec<u8>, OutputError> {
        let refused = |reason: String| OutputError::encode(Self::CSV, reason);
        let mut table = csv::Writer::from_writer(Vec::new());
        let head = [
            "l2",
            "kind",
            "size",
            "group",
            "query",
            "influence",
            "newton",
            "actual",
        ];
        let mut write = |row: [String; 8]| {
            let done = table.write_record(row);
            done.map_err(|error| refused(error.to_string()))
        };
        write(head.map(String::from))?;
        for point in &self.points {
            for (group, GroupEffectRecord { kind, effect }) in point.groups.iter().enumerate() {
                for (place, test) in point.tests.iter().enumerate() {
                    let of = |values: &[f64]| format!("{:?}", values[place]);
                    write([
                        format!("{:?}", point.l2),
                        kind.name().into(),
                        effect.removed.len().to_string(),
                        group.to_string(),
                        test.to_string(),
                        of(&effect.influence),
                        of(&effect.newton),
                        of(&effect.actual),
                    ])?;
                }
            }
        }
        table
            .into_inner()
            .map_err(|error| refused(error.to_string()))
    }
}

impl GroupsPointRecord {
    /// Of effects in the units of training.
    pub fn new(
        l2: f64,
        setup: Setup,
        tests: Vec<usize>,
        effects: impl IntoIterator<Item = (GroupKind, GroupEffect)>,
        failed: Vec<FailedRemoval>,
    ) -> Self {
        let told = |(kind, effect)| GroupEffectRecord {
            kind,
            effect: in_unit(&setup.unit, effect),
        };
        let groups: Vec<_> = effects.into_iter().map(told).collect();
        Self {
            agreements: agreements(&groups),
            l2,
            setup,
            tests,
            groups,
            failed,
        }
    }

    /// The kinds that there are.
    pub fn kinds(&self) -> Vec<GroupKind> {
        let kinds = GroupKind::ALL.into_iter();
        kinds
            .filter(|kind| self.groups.iter().any(|it| it.kind == *kind))
            .collect()
    }
}

fn in_unit(unit: &Unit, effect: GroupEffect) -> GroupEffect {
    let losses = |values: Vec<f64>| -> Vec<f64> {
        let values = values.into_iter();
        values.map(|it| unit.loss_factor * it).collect()
    };
    GroupEffect {
        influence: losses(effect.influence),
        newton: losses(effect.newton),
        actual: losses(effect.actual),
        ..effect
    }
}

/// Of all groups, of each kind, and of each kind and size.
fn agreements(groups: &[GroupEffectRecord]) -> Vec<GroupAgreementRecord> {
    let of = |kind: Option<GroupKind>, size: Option<usize>| {
        let is_of = |it: &&GroupEffectRecord| {
            kind.is_none_or(|kind| it.kind == kind)
                && size.is_none_or(|size| it.effect.removed.len() == size)
        };
        let some: Vec<&GroupEffect> = groups.iter().filter(is_of).map(|it| &it.effect).collect();
        GroupAgreementRecord {
            kind,
            size,
            groups: some.len(),
            influence: GroupAgreement::of(some.iter().copied(), |it| &it.influence),
            newton: GroupAgreement::of(some.iter().copied(), |it| &it.newton),
        }
    };
    let mut found = vec![of(None, None)];
    for kind in GroupKind::ALL {
        let own = groups.iter().filter(|it| it.kind == kind);
        let mut sizes: Vec<usize> = own.map(|it| it.effect.removed.len()).collect();
        sizes.sort_unstable();
        sizes.dedup();
        if !sizes.is_empty() {
            found.push(of(Some(kind), None));
            found.extend(sizes.into_iter().map(|size| of(Some(kind), Some(size))));
        }
    }
    found
}
