//! An audit in parts: what the examples do to the test set, and what the network would answer without them, a block of
//! examples a part; of sequences what it says of their words, and one part for their self-influence, if that is asked
//! for.

use std::{ops::Range, time::Instant};

use backdraft::{
    AttributionError, Influence,
    attribution::{
        Audit, AuditBy, NewtonConfig, SelfInfluenceConfig, SelfInfluences, Store, StoreError,
        share_out,
    },
};
use backdraft_models::quote;
use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{run::AuditRun, suspects};
use crate::{
    CliError,
    args::Audit as AuditArgs,
    progress::{Bar, say},
};

/// What the names of kept parts begin with, below the folder of parts.
const KEPT: &str = "audit-";
/// Training examples that are looked at together, where no option says otherwise.
pub(crate) const BLOCK: usize = 1_024;

/// A part, and the seconds that it took.
#[derive(Serialize, Deserialize)]
struct Kept<T> {
    of: T,
    seconds: f64,
}

/// A part's position: that of what harm is first, then the blocks of examples, then self-influence of its own.
const HARM: usize = 0;

impl AuditRun<'_> {
    /// The audit and the seconds that it took, from the folder as far as it is there, and computed as far as it is this
    /// process's, on all its devices; none if some is left to others, which is said.
    pub(super) fn audit(
        &self,
        influence: &Influence,
        place: (&Device, DType),
    ) -> Result<Option<(Audit, f64)>, CliError> {
        let blocks = blocks(self.network.inputs.dataset.train.rows, self.args.block());
        let mut open = Vec::new();
        if self.is_open::<Vec<f64>>(HARM)? {
            open.push(HARM);
        }
        for position in 1..=blocks.len() {
            if self.is_open::<Audit>(position)? {
                open.push(position);
            }
        }
        let bar = Bar::new("auditing", open.len() as u64);
        let devices = self.network.inputs.opened.devices();
        share_out(&devices, |device, shard| {
            let own = open.iter().enumerate().filter(|(at, _)| shard.has(*at));
            let own: Vec<usize> = own.map(|(_, position)| *position).collect();
            match (own.is_empty(), shard.index) {
                (true, _) => Ok(()),
                (_, 1) => self.compute(&own, &blocks, influence, place, &bar),
                _ => {
                    let influence = influence.to_device(device)?;
                    self.compute(&own, &blocks, &influence, (device, place.1), &bar)
                }
            }
        })?;
        drop(bar);
        let own = blocks.len() + 1;
        if self.has_own() && self.is_open::<SelfInfluences>(own)? {
            let start = Instant::now();
            let of = influence.self_influences(&SelfInfluenceConfig::default())?;
            self.keep(own, of, start)?;
        }
        self.joined(&blocks)
    }

    /// Computes the parts at these positions, where `influence` is.
    fn compute(
        &self,
        positions: &[usize],
        blocks: &[Range<usize>],
        influence: &Influence,
        place: (&Device, DType),
        bar: &Bar,
    ) -> Result<(), CliError> {
        let mut start = Instant::now();
        let examples = match positions {
            [HARM, examples @ ..] => {
                let (harm, queries) = self.harm(place);
                self.keep(HARM, influence.harm(&harm, queries)?, start)?;
                bar.inc(1);
                examples
            }
            examples => examples,
        };
        if examples.is_empty() {
            return Ok(());
        }
        let parts: Vec<_> = examples.iter().map(|at| blocks[at - 1].clone()).collect();
        start = Instant::now();
        let mut done = |at: usize, of: Audit| -> Result<(), AttributionError> {
            self.keep(examples[at], of, start)?;
            bar.inc(1);
            start = Instant::now();
            Ok(())
        };
        match suspects::targets(&self.network.inputs.dataset) {
            Some(targets) => {
                influence.audit_parts(&targets, &NewtonConfig::default(), &parts, &mut done)?;
            }
            None => {
                let targets = self.token_targets(influence.train());
                for (at, block) in parts.into_iter().enumerate() {
                    done(at, influence.audit_sequence_range(&targets, block)?)?;
                }
            }
        }
        Ok(())
    }

    /// Whether self-influence is a part by itself: that of sequences, only where it was asked for, as it takes a linear
    /// system for each, or the factors of the output layer, which is as wide as the vocabulary. That of others is in
    /// their blocks.
    fn has_own(&self) -> bool {
        has_own(self.is_of_text(), self.by())
    }

    /// All parts in one.
    fn joined(&self, blocks: &[Range<usize>]) -> Result<Option<(Audit, f64)>, CliError> {
        let harm = self.kept::<Vec<f64>>(HARM)?;
        let mut missing: Vec<usize> = harm.is_none().then_some(HARM).into_iter().collect();
        let (mut found, mut seconds) = (Vec::new(), 0.0);
        let count = blocks.len() + 1 + usize::from(self.has_own());
        let own = match self.has_own() {
            true => self.kept::<SelfInfluences>(blocks.len() + 1)?,
            false => None,
        };
        for place in 1..=blocks.len() {
            match self.kept::<Audit>(place)? {
                Some(kept) => {
                    seconds += kept.seconds;
                    found.push(kept.of);
                }
                None => missing.push(place),
            }
        }
        if self.has_own() && own.is_none() {
            missing.push(blocks.len() + 1);
        }
        if let (Some(harm), true) = (&harm, missing.is_empty()) {
            let mut audit = Audit::joined(found).with_harm(&harm.of);
            seconds += harm.seconds;
            if let Some(own) = own {
                audit = audit.with_self_influence(&own.of);
                seconds += own.seconds;
            }
            return Ok(Some((audit, seconds)));
        }
        if self.args.shards.own().is_none() {
            let name = |&at: &usize| match at {
                HARM => "what the examples do to the test set".to_owned(),
                _ if at > blocks.len() => "self-influence".to_owned(),
                _ => {
                    let Range { start, end } = &blocks[at - 1];
                    format!("examples {start} to {}", end - 1)
                }
            };
            let names: Vec<String> = missing.iter().map(name).collect();
            return Err(self.shards.missing(&missing, &names));
        }
        say(format_args!(
            "{} of {count} blocks are done, {} left to other parts; `--merge DIR,..` puts the parts together. In {}",
            count - missing.len(),
            missing.len(),
            quote::path(self.network.store.folder().path())
        ));
        Ok(None)
    }

    /// Whether a part is this process's, and not done yet.
    fn is_open<T: DeserializeOwned>(&self, position: usize) -> Result<bool, CliError> {
        Ok(self.args.shards.has(position) && self.kept::<T>(position)?.is_none())
    }

    /// A part, if it is done. What cannot be read is done anew.
    fn kept<T: DeserializeOwned>(&self, position: usize) -> Result<Option<Kept<T>>, CliError> {
        let bytes = self.network.store.get(&key(position));
        let bytes = bytes.map_err(AttributionError::from)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn keep<T: Serialize>(
        &self,
        position: usize,
        of: T,
        start: Instant,
    ) -> Result<(), AttributionError> {
        let seconds = start.elapsed().as_secs_f64();
        let json = serde_json::to_vec(&Kept { of, seconds });
        let json = json.map_err(|error| StoreError::Other(error.into()))?;
        Ok(self.network.store.put(&key(position), &json)?)
    }
}

fn key(position: usize) -> String {
    match position {
        HARM => format!("{KEPT}harm.json"),
        _ => format!("{KEPT}{}.json", position - 1),
    }
}

/// Parts that an audit of so many examples has.
pub(super) fn count(examples: usize, args: &AuditArgs, of_text: bool) -> usize {
    examples.div_ceil(args.block()) + 1 + usize::from(has_own(of_text, args.by(of_text)))
}

/// Whether self-influence is a part by itself.
pub(super) fn has_own(of_text: bool, by: AuditBy) -> bool {
    of_text && by == AuditBy::SelfInfluence
}

fn blocks(examples: usize, block: usize) -> Vec<Range<usize>> {
    let starts = (0..examples).step_by(block);
    starts
        .map(|start| start..examples.min(start + block))
        .collect()
}
