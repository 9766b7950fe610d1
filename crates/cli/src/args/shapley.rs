//! What can be asked of `backdraft shapley`.

use std::{fmt, num::NonZeroUsize, path::PathBuf, str::FromStr};

use backdraft::attribution::{
    Shard,
    valuation::{Performance, Truncation, ValuationError},
};
use backdraft_models::data::{Dataset, Task};
use clap::{Args, ValueEnum};
use serde::{Serialize, Serializer};

use super::{
    Damping, RunArgs,
    number::{check_fits, count_or_none, not_negative, positive, shard, share, some},
};
use crate::CliError;

/// Examples that play where coalitions are trained on, unless something else is asked for.
const PLAYERS: usize = 100;
/// The same where all coalitions are.
const FEW: usize = 10;
/// The most players of which all coalitions are gone through.
pub(crate) const MOST: usize = 16;

const EXAMPLES: &str = "\
Examples:
  backdraft shapley --model lr --data cancer
      What each of 100 training examples is worth to the accuracy of logistic regression.
  backdraft shapley --model lr --data cancer --method all --corrupt-labels 0.1
      By truncated Monte-Carlo, G-Shapley and nearest neighbours, a tenth of the labels wrong: how soon are they found?
  backdraft shapley --model lr --data cancer --method exact --examples 12
      Over all 4,096 coalitions.
  backdraft shapley --method knn --data mnist/ --features outputs
      All training examples, exactly, of the nearest neighbours by the network's outputs.
  backdraft shapley --model lr --data cancer --groups random:8 --method exact
      What each of eight groups of all training examples is worth.
  backdraft shapley --model lr --data cancer --shard 2/3 --out runs/part2
      A third of the permutations; --merge runs/part1,runs/part2,.. puts them together.

What a value means:
  What an example adds to the performance of those that come before it, on average over all orders. Positive: it helps. All
  values add up to the performance of all examples less that of none.";

/// Settings of `shapley`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Shapley {
    #[command(flatten)]
    pub run: RunArgs,

    /// How values are found: truncated Monte-Carlo over permutations (tmc), one pass of training (g), nearest
    /// neighbours (knn), all coalitions (exact), or all of these, exact for at most 16 players and knn without groups.
    /// Leave-one-out goes with all that train again, influence with each.
    #[arg(
        long,
        value_enum,
        value_name = "METHOD,..",
        value_delimiter = ',',
        default_value = "tmc"
    )]
    pub method: Vec<MethodName>,

    /// Training examples that play, drawn by the seed; the others are left out altogether. Default: 100, 10 for exact
    /// alone, all for knn alone and for groups.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub examples: Option<NonZeroUsize>,

    /// Groups of training examples in the place of examples: `classes`, `random:K` for K groups by the seed, or a CSV
    /// file with the columns train, the index of an example, and group; those that it does not name are a group of
    /// their own.
    #[arg(long, value_name = "classes|random:K|FILE")]
    pub groups: Option<GroupsOf>,

    /// What values are in units of: accuracy, loss (minus the mean loss) or r2. Default: accuracy for classes, r2 for
    /// numbers.
    #[arg(long, value_enum)]
    pub performance: Option<PerformanceName>,

    /// Share of the test examples that values are not measured on, and the curves are; 0 measures both on all.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5, value_parser = share, allow_hyphen_values = true)]
    pub held_out: f64,

    /// The most permutations, of tmc and of g.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = some, allow_hyphen_values = true)]
    pub permutations: NonZeroUsize,

    /// End once values have changed by less than this share of themselves, on average, over the last 100 permutations;
    /// 0 makes all.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05, value_parser = not_negative, allow_hyphen_values = true)]
    pub convergence: f64,

    /// Where a permutation of tmc is cut off: within so much of the performance of all, within its `noise`, the
    /// deviation of that over samples of the measured examples, or `none`.
    #[arg(
        long,
        value_name = "T|noise|none",
        default_value = "noise",
        allow_hyphen_values = true
    )]
    pub tolerance: Tolerance,

    /// Take every second permutation backwards: surer where an example adds less the later it comes.
    #[arg(long)]
    pub antithetic: bool,

    /// The step size of g. Default: the best of eight from 0.1 down, which are tried in five passes each.
    #[arg(long, value_name = "RATE", value_parser = positive, allow_hyphen_values = true)]
    pub learning_rate: Option<f64>,

    /// Nearest neighbours of knn.
    #[arg(long, value_name = "K", default_value = "5", value_parser = some, allow_hyphen_values = true)]
    pub neighbours: NonZeroUsize,

    /// What knn measures distances of: the inputs as the network reads them, or its outputs.
    #[arg(long, value_enum, default_value_t = FeaturesName::Inputs)]
    pub features: FeaturesName,

    /// Steps of the curves from all players to none.
    #[arg(long, value_name = "N", default_value = "20", value_parser = some, allow_hyphen_values = true)]
    pub steps: NonZeroUsize,

    /// Random orders that the curves are held against.
    #[arg(long, value_name = "N", default_value = "10", value_parser = some, allow_hyphen_values = true)]
    pub orders: NonZeroUsize,

    /// The damping of influence, or `auto`. Default: 0.03, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// Do only the I-th of N parts of the permutations, coalitions and curves, to be merged later: on other cores, or
    /// other machines. A part makes all its permutations, as it cannot see whether values have converged.
    #[arg(long, value_name = "I/N", value_parser = shard, allow_hyphen_values = true)]
    pub shard: Option<Shard>,

    /// Take what is done in these folders of the same valuation.
    #[arg(long, value_name = "DIR,..", value_delimiter = ',')]
    pub merge: Vec<PathBuf>,
}

impl Shapley {
    /// How many training examples play, of so many.
    pub fn players(&self, rows: usize) -> Result<usize, CliError> {
        let default = match (&self.groups, self.method.as_slice()) {
            (Some(_), _) | (None, [MethodName::Knn]) => rows,
            (None, [MethodName::Exact]) => FEW,
            _ => PLAYERS,
        };
        match self.examples {
            Some(examples) if examples.get() > rows => Err(CliError::Option {
                option: "--examples",
                problem: format!("is {examples}, and the training part holds {rows}"),
            }),
            Some(examples) => Ok(examples.get()),
            None => Ok(default.min(rows)),
        }
    }

    /// What is measured, of the data.
    pub fn performance(&self, dataset: &Dataset) -> Result<Performance, CliError> {
        let refuse = |is: &str, has: &str| {
            Err(CliError::Option {
                option: "--performance",
                problem: format!("{is}, and {} has {has}", dataset.name),
            })
        };
        match (self.performance, dataset.task == Task::Regression) {
            (None, true) => Ok(Performance::R2),
            (None, false) => Ok(Performance::Accuracy),
            (Some(PerformanceName::Accuracy), true) => {
                refuse("accuracy is of classes", "a number to predict")
            }
            (Some(PerformanceName::R2), false) => refuse("r2 is of numbers to predict", "classes"),
            (Some(name), _) => Ok(name.into()),
        }
    }

    /// The methods, in the order in which they are told, for so many players.
    pub fn methods(&self, players: usize) -> Vec<MethodName> {
        let all = self.method.contains(&MethodName::All);
        let asked = |it: &MethodName| match it {
            MethodName::Exact if all && players > MOST => self.method.contains(it),
            MethodName::Knn if all && self.groups.is_some() => self.method.contains(it),
            it => all || self.method.contains(it),
        };
        MethodName::EACH.into_iter().filter(asked).collect()
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(&self, damping: &Damping) -> Result<(), CliError> {
        let refuse = |option, problem: &str| {
            let problem = problem.to_owned();
            Err(CliError::Option { option, problem })
        };
        match damping.given() {
            [] => {}
            [one] => check_fits("--damping", Some(*one), burn::tensor::DType::F32)?,
            _ => return refuse("--damping", "has several: shapley takes one"),
        }
        if let Some(option) = self.run.weights_option() {
            return refuse(
                option,
                "gives one network, and values are of training on every coalition: leave it out",
            );
        }
        if self.groups.is_some() && self.method.contains(&MethodName::Knn) {
            return refuse(
                "--groups",
                "go by training: nearest neighbours have closed forms for single examples alone",
            );
        }
        if matches!(self.groups, Some(GroupsOf::File(_))) && self.examples.is_some() {
            return refuse(
                "--examples",
                "draws from the training part, of which the file of --groups names all examples: leave one of them out",
            );
        }
        if self.antithetic && !self.permutations.get().is_multiple_of(2) {
            return refuse(
                "--permutations",
                "must be even with --antithetic: they come in pairs",
            );
        }
        if self.held_out >= 1.0 {
            return refuse(
                "--held-out",
                "is all of the test part: values need some to be measured on",
            );
        }
        Ok(())
    }

    /// Refuses methods that cannot be for so many `players` of so many `examples`.
    pub fn check_players(&self, players: usize, examples: usize) -> Result<(), CliError> {
        let refuse = |option, error: ValuationError| {
            let problem = error.to_string();
            Err(CliError::Option { option, problem })
        };
        let methods = self.methods(players);
        if methods.contains(&MethodName::Exact) && players > MOST {
            let most = MOST;
            return refuse(
                "--method exact:",
                ValuationError::TooManyPlayers { players, most },
            );
        }
        let neighbours = self.neighbours.get();
        if methods.contains(&MethodName::Knn) && neighbours > examples {
            let error = ValuationError::Neighbours {
                neighbours,
                examples,
            };
            return refuse("--neighbours:", error);
        }
        Ok(())
    }
}

/// How values are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MethodName {
    /// Permutations, cut off where nothing is gained (Ghorbani & Zou 2019, Algorithm 1).
    Tmc,
    /// One pass of training, a step an example (Algorithm 2).
    G,
    /// Nearest neighbours, exactly (Jia et al. 2019).
    Knn,
    /// All coalitions.
    Exact,
    /// All that can be.
    All,
}

impl MethodName {
    /// Each of them, the surest first.
    pub const EACH: [Self; 4] = [Self::Exact, Self::Tmc, Self::G, Self::Knn];
}

/// What values are in units of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PerformanceName {
    /// The share of right classes.
    Accuracy,
    /// Minus the mean loss.
    Loss,
    /// 1 less the share of the targets' variance that is left over.
    R2,
}

impl From<PerformanceName> for Performance {
    fn from(name: PerformanceName) -> Self {
        match name {
            PerformanceName::Accuracy => Self::Accuracy,
            PerformanceName::Loss => Self::Loss,
            PerformanceName::R2 => Self::R2,
        }
    }
}

/// What distances are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeaturesName {
    /// What the network reads.
    Inputs,
    /// What it says.
    Outputs,
}

impl FeaturesName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
        }
    }
}

/// Groups as they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupsOf {
    /// The examples of each class.
    Classes,
    /// So many, by the seed.
    Random(usize),
    /// Of a file.
    File(PathBuf),
}

impl FromStr for GroupsOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("random:")) {
            ("classes", _) => Ok(Self::Classes),
            (_, Some(count)) => match count_or_none(count) {
                Ok(count @ 1..) => Ok(Self::Random(count)),
                _ => Err("it must be random:K with a number of groups K, at least 1".into()),
            },
            (file, None) => Ok(Self::File(file.into())),
        }
    }
}

impl fmt::Display for GroupsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classes => f.write_str("classes"),
            Self::Random(count) => write!(f, "random:{count}"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Where a permutation is cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tolerance(pub Truncation);

impl FromStr for Tolerance {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "it must be noise, none, or a number, 0 or more";
        Ok(Self(match text.trim() {
            "noise" => Truncation::Noise,
            "none" => Truncation::Never,
            number => Truncation::Within(not_negative(number).map_err(|_| WRONG)?),
        }))
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Truncation::Noise => f.write_str("noise"),
            Truncation::Never => f.write_str("none"),
            Truncation::Within(tolerance) => write!(f, "{tolerance}"),
        }
    }
}

impl Serialize for Tolerance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for GroupsOf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
