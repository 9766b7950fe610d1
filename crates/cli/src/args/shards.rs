//! A part of a run for a process of its own, and what other processes have done.

use std::path::PathBuf;

use backdraft::attribution::Shard;
use clap::Args;

use super::number::shard;
use crate::CliError;

/// Which part is done here, and where the others are.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ShardArgs {
    /// Do only the I-th of N parts, in a folder of its own, to be merged later: on other cores, or other machines.
    /// Every process must see the same data and options. docs/scale.md has recipes for schedulers.
    #[arg(long, value_name = "I/N", value_parser = shard, allow_hyphen_values = true)]
    pub shard: Option<Shard>,

    /// Take what is done in these folders of the same run, and the trained network if there is none yet, and go on to
    /// the end. What is in none of them is an error that names it; --shard 1/1 beside it computes it here.
    #[arg(long, value_name = "DIR,..", value_delimiter = ',')]
    pub merge: Vec<PathBuf>,
}

impl ShardArgs {
    /// What is computed here; none where this process puts together what others did.
    pub fn own(&self) -> Option<Shard> {
        match self.merge.is_empty() {
            true => Some(self.shard.unwrap_or(Shard::WHOLE)),
            false => self.shard,
        }
    }

    /// Whether this process computes the unit at `position`.
    pub fn has(&self, position: usize) -> bool {
        self.own().is_some_and(|it| it.has(position))
    }

    /// Refuses more parts than there are units to deal out; `why` says what these are.
    pub fn check(&self, units: usize, why: impl FnOnce() -> String) -> Result<(), CliError> {
        match self.shard {
            Some(shard) if shard.count > units => Err(CliError::Option {
                option: "--shard",
                problem: format!(
                    "{shard} is one part of {}, and there are {units} at most: {}",
                    shard.count,
                    why()
                ),
            }),
            _ => Ok(()),
        }
    }
}
