//! What a valuation has computed, part by part.

use serde::{Deserialize, Serialize};

use crate::{Shard, Store, StoreError, store::Digest};

use super::{Sharded, ValuationError};

/// What a valuation tells while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartProgress {
    /// What is computed, such as `tmc`.
    pub what: &'static str,
    /// The parts that are done.
    pub done: usize,
    /// How many there are at most.
    pub of: usize,
}

/// Where the parts of a valuation are kept, and which of them are this process's.
///
/// Keys bear a digest of the settings that decide the numbers, as far as games and walks tell them
/// ([`Game::settings`](super::Game::settings)): a store that is also used for other data or networks must be told apart
/// by whoever keeps it.
pub struct Parts<'a> {
    store: &'a dyn Store,
    others: Vec<&'a dyn Store>,
    shard: Shard,
    progress: Box<dyn Fn(PartProgress) + 'a>,
}

impl<'a> Parts<'a> {
    /// All parts, kept in `store`; [`NoStore`](crate::NoStore) keeps none.
    pub fn new(store: &'a dyn Store) -> Self {
        Self {
            store,
            others: Vec::new(),
            shard: Shard::WHOLE,
            progress: Box::new(|_| {}),
        }
    }

    /// The same, which computes only the parts of `shard`.
    #[must_use]
    pub fn with_shard(self, shard: Shard) -> Self {
        Self { shard, ..self }
    }

    /// The same, which takes from `others` what it lacks, such as the stores of other shards, and keeps it.
    #[must_use]
    pub fn with_others(self, others: Vec<&'a dyn Store>) -> Self {
        Self { others, ..self }
    }

    /// The same, which tells `progress` what is done.
    #[must_use]
    pub fn with_progress(self, progress: impl Fn(PartProgress) + 'a) -> Self {
        let progress = Box::new(progress);
        Self { progress, ..self }
    }

    /// The parts of one thing, named `what`, which `settings` decide.
    pub(super) fn of(&self, what: &'static str, settings: &[&str], count: usize) -> PartsOf<'_> {
        let digest = settings
            .iter()
            .fold(Digest::default(), |digest, it| digest.part(it.as_bytes()));
        PartsOf {
            parts: self,
            what,
            prefix: format!("{what}-{}", digest.short()),
            count,
        }
    }
}

/// The parts of one thing.
pub(super) struct PartsOf<'a> {
    parts: &'a Parts<'a>,
    what: &'static str,
    prefix: String,
    count: usize,
}

impl PartsOf<'_> {
    /// The part at `position`, which has `len` numbers: from a store, or else computed if it is this process's.
    pub fn part(
        &self,
        position: usize,
        len: usize,
        compute: impl FnOnce() -> Result<Vec<f64>, ValuationError>,
    ) -> Result<Option<Vec<f64>>, ValuationError> {
        let Parts {
            store,
            others,
            shard,
            progress,
        } = self.parts;
        let key = format!("{}-{position:06}.json", self.prefix);
        if let Some(found) = read(*store, &key, len)? {
            return Ok(Some(found));
        }
        for other in others {
            if let Some(found) = read(*other, &key, len)? {
                store.put(&key, &encoded(&found)?)?;
                return Ok(Some(found));
            }
        }
        if !shard.has(position) {
            return Ok(None);
        }
        progress(PartProgress {
            what: self.what,
            done: position,
            of: self.count,
        });
        let found = compute()?;
        debug_assert_eq!(found.len(), len, "the numbers of a part");
        store.put(&key, &encoded(&found)?)?;
        Ok(Some(found))
    }

    /// All parts, each `len(position)` numbers.
    pub fn all(
        &self,
        len: impl Fn(usize) -> usize,
        compute: impl Fn(usize) -> Result<Vec<f64>, ValuationError>,
    ) -> Result<Sharded<Vec<Vec<f64>>>, ValuationError> {
        let mut found = Vec::new();
        for position in 0..self.count {
            found.extend(self.part(position, len(position), || compute(position))?);
        }
        Ok(match found.len() == self.count {
            true => Sharded::Whole(found),
            false => Sharded::Part {
                done: found.len(),
                left: self.count - found.len(),
            },
        })
    }
}

/// A part as a store has it.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// In words, which come back to the bit.
    numbers: Vec<String>,
}

/// What is under a key, if it is whole: what is damaged is computed anew.
fn read(store: &dyn Store, key: &str, len: usize) -> Result<Option<Vec<f64>>, ValuationError> {
    let found = match store.get(key) {
        Err(StoreError::Damaged { .. }) => None,
        found => found?,
    };
    let kept = found.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    let numbers = kept.and_then(|it| {
        let numbers = it.numbers.iter().map(|it| it.parse());
        numbers.collect::<Result<Vec<f64>, _>>().ok()
    });
    Ok(numbers.filter(|it| it.len() == len))
}

fn encoded(numbers: &[f64]) -> Result<Vec<u8>, StoreError> {
    let numbers = numbers.iter().map(|it| format!("{it:?}")).collect();
    serde_json::to_vec(&Kept { numbers }).map_err(|error| StoreError::Other(error.into()))
}
