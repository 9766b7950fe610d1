//! What can be asked of experiments.

use std::{path::PathBuf, str::FromStr};

use backdraft::attribution::{Shard, evaluate::GroupKind};
use clap::Args;

use crate::{
    CliError,
    args::{
        ComputeArgs, DataArgs, FolderArgs, ModelArgs, SolverArgs, TrainingArgs,
        number::{count, count_or_none, finite, not_negative, positive, shard, share},
    },
    failure::Remedy,
};

/// What all experiments share.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub data: DataArgs,

    /// Only so many training examples, drawn by the seed. Default: all.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub examples: Option<usize>,

    #[command(flatten)]
    pub training: TrainingArgs,

    /// The step size of the base network, of retraining and of the proximal response; the proximal Bregman ones take a
    /// tenth. `search` tries those of the paper's appendix E, 1, 0.3, 0.1, .. 0.001 (transformer 0.03 .. 0.0001; sweep
    /// down to 0.0001), and takes the one with the least loss, for convolutional networks the highest accuracy, on the
    /// validation part, or on the test part where there is none. Default: the preset's.
    #[arg(long, value_name = "RATE|search", allow_hyphen_values = true)]
    pub learning_rate: Option<Rate>,

    /// The strength lambda of the proximal term, and the damping of the influence estimate. Default: 0.001, for the
    /// transformer 0.01.
    #[arg(long, value_name = "LAMBDA", value_parser = not_negative, allow_hyphen_values = true)]
    pub damping: Option<f64>,

    /// Estimate influence with the Hessian in place of the Gauss-Newton matrix (the paper's Tables 4 and 7).
    #[arg(long)]
    pub hessian: bool,

    /// Minimise the proximal Bregman responses until nothing is left to gain, by L-BFGS over all examples, in place of
    /// half the passes that trained the network. With `--solver cg` what is compared is then exact.
    #[arg(long)]
    pub converge: bool,

    #[command(flatten)]
    pub solver: SolverArgs,

    #[command(flatten)]
    pub compute: ComputeArgs,

    #[command(flatten)]
    pub folder: FolderArgs,

    /// Do only the I-th of N parts of the removals, to be merged later: on other cores, or other machines. Removals
    /// that are computed at once, as is printed, stay in one part.
    #[arg(long, value_name = "I/N", value_parser = shard, allow_hyphen_values = true)]
    pub shard: Option<Shard>,

    /// Take the removals that are done in these folders of the same experiment, and the trained network if there is
    /// none yet.
    #[arg(long, value_name = "DIR,..", value_delimiter = ',')]
    pub merge: Vec<PathBuf>,
}

impl Common {
    /// The part of the removals that is done, at the end of a folder's name.
    pub fn part(&self) -> String {
        self.shard
            .map_or_else(String::new, |it| format!("-{}of{}", it.index, it.count))
    }

    /// What takes less memory.
    pub fn remedy(&self) -> Result<Remedy, CliError> {
        Ok(self.model.remedy(self.model.kind()?.pass()))
    }
}

/// What is removed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RemovalArgs {
    /// Number of removals, drawn by the seed.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count, allow_hyphen_values = true)]
    pub points: usize,

    /// Examples in each removal: a number, or a percentage of the training examples such as 10%.
    #[arg(
        long,
        value_name = "N|P%",
        default_value = "1",
        allow_hyphen_values = true
    )]
    pub group: Group,
}

const DECOMPOSE: &str = "\
Examples:
  backdraft decompose --model lr --data cancer
      Logistic regression: all gaps are close to zero.
  backdraft decompose --model mlp --data concrete.csv --target compressive_strength
      A network: retraining and the influence estimate part ways before the estimate goes wrong.
  backdraft decompose --model lenet --data mnist/ --preset paper --shard 2/5 --out runs/part2
      A fifth of a long experiment; --merge runs/part1,runs/part2,.. puts it together.

Stopped (Ctrl-C, kill, power cut), the same command goes on after the last response that it finished, with the same numbers.";

/// Settings of `decompose`.
#[derive(Clone, Debug, Args)]
#[command(after_help = DECOMPOSE)]
pub(crate) struct Decompose {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub removed: RemovalArgs,

    /// Also predict the losses of so many test examples, drawn by the seed, and hold them against the same responses,
    /// as `correlate` does.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count_or_none, allow_hyphen_values = true)]
    pub tests: usize,
}

/// Settings of `correlate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct Correlate {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub removed: RemovalArgs,

    /// Test examples whose losses are predicted, drawn by the seed.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = count_or_none, allow_hyphen_values = true)]
    pub tests: usize,
}

const SWEEP: &str = "\
Examples:
  backdraft sweep --over damping --model mlp --data mnist/
      The five gaps at each strength of the damping, as in the paper's Figure 5.
  backdraft sweep --over removed --values 1,10,50 --data mnist/
      Groups of 1, 10 and 50 percent of the training examples are removed at once: the gaps, and then what that does to
      test losses beside what influence and the Newton estimate predict.
  backdraft sweep --over removed --groups random,class,similar --l2 0.1,0.01,0.001 --model lr --data digits
      What groups of growing size do to test losses, beside what influence and the Newton estimate predict.
  backdraft sweep --over width --preset paper --data mnist/ --shard 2/5 --out runs/part2
      A fifth of each value's removals; --merge runs/part1,runs/part2,.. puts the sweep together.

What is varied and the default values, with --preset paper those of the paper's appendix E.4:
  width         16,32,64,128,256,512 (paper: up to 8192)
  depth         1,3,5,7 (paper: up to 15)
  epochs        a tenth, a half, 1, 2 and 4 times the preset's (paper: 100 to 9000)
  weight-decay  0.05,0.01,0.005,0.001,0.0005,0.0001,0.00001 (paper: from 0.5)
  damping       0.5,0.1,0.05,0.01,0.005,0.001,0.0005,0.0001 (paper: down to 0.000001)
  removed       0.1,0.2,..,0.9 percent of the training examples; with --groups 0.5,1,2.5,5,10,20";

/// Settings of `sweep`.
#[derive(Clone, Debug, Args)]
#[command(after_help = SWEEP)]
pub(crate) struct Sweeping {
    #[command(flatten)]
    pub common: Common,

    #[command(flatten)]
    pub removed: RemovalArgs,

    /// What is varied.
    #[arg(long, value_enum)]
    pub over: Over,

    /// With `--over removed`, what groups are made of: random examples, examples of one class, or a random example and
    /// those with the nearest inputs. What the removal of each does to the losses of test examples is held against what
    /// influence and the Newton estimate predict (Koh et al. 2019), in place of the gaps. Without it, that is told of
    /// random groups, after the gaps and in the folder groups-random below theirs.
    #[arg(long, value_enum, value_name = "KIND,..", value_delimiter = ',')]
    pub groups: Vec<GroupName>,

    /// With `--groups`, strengths of the L2 term, each with a network of its own. Default: the training's. The lr has
    /// no damping beside it unless `--damping` says so.
    #[arg(long, value_name = "L2,..", value_delimiter = ',', value_parser = not_negative, allow_hyphen_values = true)]
    pub l2: Vec<f64>,

    /// With `--groups`, test examples whose losses are predicted, drawn by the seed. Default: 10.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub tests: Option<usize>,

    /// Its values; for `removed`, percentages. Default: see below.
    #[arg(long, value_name = "V1,V2,..", value_delimiter = ',', value_parser = finite, allow_hyphen_values = true)]
    pub values: Vec<f64>,
}

/// What groups are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GroupName {
    Random,
    Class,
    Similar,
}

impl GroupName {
    pub fn kind(self) -> GroupKind {
        match self {
            Self::Random => GroupKind::Random,
            Self::Class => GroupKind::Class,
            Self::Similar => GroupKind::Similar,
        }
    }
}

/// What a sweep varies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Over {
    /// Units in each hidden layer of the MLP.
    Width,
    /// Hidden layers of the MLP.
    Depth,
    /// Passes that train the base network.
    Epochs,
    /// The coefficient of the L2 term.
    WeightDecay,
    /// The strength of the proximal term.
    Damping,
    /// The percentage of the training examples in each removal.
    Removed,
}

impl Over {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Width => "width",
            Self::Depth => "depth",
            Self::Epochs => "epochs",
            Self::WeightDecay => "weight-decay",
            Self::Damping => "damping",
            Self::Removed => "removed",
        }
    }
}

const MISLABEL: &str = "\
Examples:
  backdraft mislabel --data digits
      A tenth of the labels are made wrong, and all examples ordered for inspection.
  backdraft mislabel --data mnist/ --examples 1000
      The same on a thousand of MNIST's digits.

Examples are ordered by self-influence, the predicted change of an example's own loss when it is removed; by that change under the
proximal Bregman response; by their loss; and at random.";

/// Settings of `mislabel`.
#[derive(Clone, Debug, Args)]
#[command(after_help = MISLABEL)]
pub(crate) struct Mislabelling {
    #[command(flatten)]
    pub common: Common,

    /// The share of the training labels that are made wrong, from 0 to 1.
    #[arg(long, value_name = "FRACTION", default_value_t = 0.1, value_parser = share, allow_hyphen_values = true)]
    pub corrupt: f64,
}

/// A step size, or the search for one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rate {
    Fixed(f64),
    Search,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "search" => Ok(Self::Search),
            rate => positive(rate)
                .map(Self::Fixed)
                .map_err(|words| format!("{words}, or `search`")),
        }
    }
}

/// How many examples are removed at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Group {
    Count(usize),
    Share(f64),
}

impl Group {
    /// Of `n` examples; at least one.
    pub fn of(self, n: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Share(share) => ((share * n as f64).round() as usize).max(1),
        }
    }
}

impl FromStr for Group {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || "it must be a number of examples from 1, or a percentage below 100%".to_owned();
        match text.strip_suffix('%') {
            Some(percentage) => match percentage.parse::<f64>() {
                Ok(percentage) if percentage > 0.0 && percentage < 100.0 => {
                    Ok(Self::Share(percentage / 100.0))
                }
                _ => Err(wrong()),
            },
            None => match text.parse() {
                Ok(count) if count > 0 => Ok(Self::Count(count)),
                _ => Err(wrong()),
            },
        }
    }
}
