//! What can be asked of `backdraft audit`.

use std::{num::NonZeroUsize, path::PathBuf};

use backdraft::attribution::AuditBy;
use clap::{Args, ValueEnum};

use super::{
    Damping, DevicesArgs, ParameterArgs, RunArgs, ShardArgs,
    number::{check_fits, some},
};
use crate::{CliError, audit::BLOCK};

const EXAMPLES: &str = "\
Examples:
  backdraft audit
      The default model (an MLP) on the embedded digits: which labels look wrong, the most suspect first.
  backdraft audit --data mnist/ --weights mlp.pt --hidden 256,256
      A network that PyTorch trained, and its own training data.
  backdraft audit --model lr --data cancer --fix audit.csv
      A copy of an audit's table, with labels or `remove` written into the column fix: what training on them changes.
  backdraft audit --model transformer --data text/ --weights best.safetensors
      Which sentences of a language model's training text look wrong, and which of their words.
  backdraft audit --corrupt-labels 0.1
      A tenth of the labels are made wrong first, to see how soon each order finds them.
  backdraft audit --data mnist/ --shard 2/5 --out part2
      A fifth of the examples; --merge part1,part2,.. puts the audit together.

What it goes by:
  The answer that the network would give to each training example without it, predicted by one Newton step and without
  training again; an example's own loss without it (self-influence); and what its removal does to the test set.";

/// Settings of `audit`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Audit {
    #[command(flatten)]
    pub run: RunArgs,

    #[command(flatten)]
    pub parameters: ParameterArgs,

    /// What the training examples are ranked by. Default: left-out; of text margin.
    #[arg(long, value_enum)]
    pub by: Option<ByName>,

    /// How many of the most suspect examples the report and `run.json` show; `audit.csv` has all.
    #[arg(long, value_name = "N", default_value = "60", value_parser = some, allow_hyphen_values = true)]
    pub top: NonZeroUsize,

    /// Corrections: a CSV table with the columns train, the index of a training example, and fix, its right label or
    /// `remove`; rows with an empty fix are passed over. The network is trained again on the corrected data, and what
    /// that changes is told. One of --weights is trained on from there, once on the labels as they are given and once
    /// on the corrected ones.
    #[arg(long, value_name = "FILE")]
    pub fix: Option<PathBuf>,

    /// The damping, or `auto`: a tenth of the curvature's mean eigenvalue, or one over the sum of all step sizes of the
    /// training, whichever is larger; it is printed. Default: 0.03, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// Training examples that are looked at together: each block is kept as soon as it is done, and --shard and
    /// --devices deal them out. Last digits depend on it. Default: 1024.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub block: Option<NonZeroUsize>,

    #[command(flatten)]
    pub devices: DevicesArgs,

    #[command(flatten)]
    pub shards: ShardArgs,
}

impl Audit {
    pub fn block(&self) -> usize {
        self.block.map_or(BLOCK, NonZeroUsize::get)
    }

    /// What examples are ranked by; those of sequences have no answers without them.
    pub fn by(&self, of_text: bool) -> AuditBy {
        let default = match of_text {
            true => ByName::Margin,
            false => ByName::LeftOut,
        };
        self.by.unwrap_or(default).by()
    }

    /// Refuses what sequences do not have, before anything is trained.
    pub fn check_text(&self) -> Result<(), CliError> {
        match self.by {
            Some(ByName::LeftOut | ByName::Newton) => Err(CliError::Option {
                option: "--by",
                problem: "left-out and newton take a linear system for each output of an example, and a sequence has one for each \
                          word of the vocabulary at each of its places: rank text by margin, loss, harm or self-influence"
                    .to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(&self, damping: &Damping) -> Result<(), CliError> {
        match damping.given() {
            [] => Ok(()),
            [damping] => check_fits("--damping", Some(*damping), burn::tensor::DType::F32),
            several => Err(CliError::Option {
                option: "--damping",
                problem: format!("has {} numbers: audit takes one", several.len()),
            }),
        }
    }
}

/// What examples are ranked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByName {
    /// How sure the network would be of the label without the example, the least first.
    LeftOut,
    /// The predicted rise of its own loss when it is removed, by the Newton estimate.
    Newton,
    /// The same by influence.
    SelfInfluence,
    /// The harm that it does to the mean test loss.
    Harm,
    /// Its loss.
    Loss,
    /// How sure the network is of its label, the least first; of a sequence of its least likely word.
    Margin,
}

impl ByName {
    pub fn by(self) -> AuditBy {
        match self {
            Self::LeftOut => AuditBy::LeftOut,
            Self::Newton => AuditBy::Newton,
            Self::SelfInfluence => AuditBy::SelfInfluence,
            Self::Harm => AuditBy::Harm,
            Self::Loss => AuditBy::Loss,
            Self::Margin => AuditBy::Margin,
        }
    }
}
