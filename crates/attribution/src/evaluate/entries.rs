//! What an evaluation has in its store, and the keys that it is under.

use std::cell::RefCell;

use backdraft_influence::response::Removal;

use super::{
    DamagedEntry, EvaluateError, Stage,
    progress::{Meter, Progress},
};
use crate::{Estimator, Store, StoreError, store::Digest};

/// A removal among those asked for.
#[derive(Clone, Copy)]
pub(super) struct PlacedRemoval<'a> {
    pub removal: &'a Removal,
    /// Its position.
    pub position: usize,
}

/// What keys are made of.
pub(super) enum Keys {
    /// Of a store that others may use too: digests of all that results depend on, as far as it can be seen.
    Shared {
        /// Of the evaluation.
        evaluation: String,
    },
    /// Of a store for this evaluation, and one measurement of one list of removals, alone: their positions.
    Own,
}

impl Keys {
    /// Of the result at `place` of the measurement `name`.
    pub fn result(&self, place: &PlacedRemoval<'_>, name: &str) -> String {
        match self {
            Self::Shared { evaluation } => {
                format!("{evaluation}/{}/{name}", digest(place.removal))
            }
            Self::Own => own_result(place.position),
        }
    }

    /// Of what a stage finds. `scope` is the measurement's name if its parameters are let go of in the end, so that no
    /// other is in need of them.
    pub fn stage(&self, place: &PlacedRemoval<'_>, scope: &str, stage: Stage) -> String {
        match self {
            Self::Shared { evaluation } => {
                format!("{evaluation}/{}/{scope}{stage}", digest(place.removal))
            }
            Self::Own => format!("stages/{}/{stage}.safetensors", place.position),
        }
    }

    /// Of what a stage finds without a removal.
    pub fn continued(&self, stage: Stage) -> String {
        match self {
            Self::Shared { evaluation } => format!("{evaluation}/all/{stage}"),
            Self::Own => format!("stages/{stage}.safetensors"),
        }
    }

    /// Of the choice of so many points by the measurement `name`.
    pub fn strongest(&self, name: &str, points: usize) -> String {
        match self {
            Self::Shared { evaluation } => format!("{evaluation}/{name}/{points}/strongest"),
            Self::Own => OWN_STRONGEST.to_owned(),
        }
    }

    /// Of what the estimator at `place` predicts of so many points for the measurement `name`.
    pub fn estimator(
        &self,
        name: &str,
        points: usize,
        place: usize,
        estimator: (&Estimator, bool),
    ) -> String {
        match self {
            Self::Shared { evaluation } => {
                let settings = format!("{estimator:?}");
                let digest = Digest::default().part(settings.as_bytes()).name();
                format!("{evaluation}/{name}/{points}/{digest}")
            }
            Self::Own => own_estimator(place),
        }
    }

    /// Of what the measurement `name` finds before a removal.
    pub fn baseline(&self, name: &str) -> String {
        match self {
            Self::Shared { evaluation } => format!("{evaluation}/{name}/baseline"),
            Self::Own => OWN_BASELINE.to_owned(),
        }
    }

    /// Of what is settled for LiSSA.
    pub fn lissa(&self) -> String {
        match self {
            Self::Shared { evaluation } => format!("{evaluation}/lissa"),
            Self::Own => OWN_LISSA.to_owned(),
        }
    }
}

/// Where a store of an evaluation's own has what is settled for LiSSA.
pub(super) const OWN_LISSA: &str = "lissa.json";

/// Where it has the points that were chosen, and what was measured before a removal.
pub(super) const OWN_STRONGEST: &str = "strongest.json";
pub(super) const OWN_BASELINE: &str = "baseline.json";

/// Where it has what the estimator at `place` predicts.
pub(super) fn own_estimator(place: usize) -> String {
    format!("estimators/{place}.json")
}

/// Where it has the result of the removal at `position`.
pub(super) fn own_result(position: usize) -> String {
    format!("points/{position}.json")
}

fn digest(removal: &Removal) -> String {
    let mut digest = Digest::default().part(&removal.epsilon.to_le_bytes());
    for &example in &removal.examples {
        digest = digest.part(&(example as u64).to_le_bytes());
    }
    for factor in removal.factors().into_iter().flatten() {
        digest = digest.part(&factor.to_le_bytes());
    }
    digest.name()
}

/// What an evaluation has in its store.
pub(super) struct Entries<'a> {
    pub keys: Keys,
    store: &'a dyn Store,
    meter: &'a Meter<'a>,
    damaged: RefCell<Vec<DamagedEntry>>,
}

impl<'a> Entries<'a> {
    pub fn new(keys: Keys, store: &'a dyn Store, meter: &'a Meter<'a>) -> Self {
        Self {
            keys,
            store,
            meter,
            damaged: RefCell::default(),
        }
    }

    /// What is under `key`, as `read` reads it. What is damaged is told of, and to be computed anew.
    pub fn get<T>(
        &self,
        key: &str,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Option<T>, EvaluateError> {
        let reason = match self.store.get(key) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => match read(&bytes) {
                Ok(found) => return Ok(Some(found)),
                Err(reason) => reason,
            },
            Err(StoreError::Damaged { reason, .. }) => reason,
            Err(error) => return Err(error.into()),
        };
        let key = key.to_owned();
        let damaged = DamagedEntry { key, reason };
        self.meter.tell(Progress::Damaged(&damaged));
        self.damaged.borrow_mut().push(damaged);
        Ok(None)
    }

    pub fn put(&self, key: &str, value: &[u8]) -> Result<(), EvaluateError> {
        Ok(self.store.put(key, value)?)
    }

    pub fn remove(&self, key: &str) -> Result<(), EvaluateError> {
        Ok(self.store.remove(key)?)
    }

    /// What was damaged so far.
    pub fn damaged(&self) -> Vec<DamagedEntry> {
        self.damaged.borrow().clone()
    }
}
