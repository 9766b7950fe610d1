//! What can be asked of `backdraft explain`.

use std::{num::NonZeroUsize, path::PathBuf};

use backdraft_models::ZooConfig;
use clap::{Args, ValueEnum};

use super::{
    Damping, DevicesArgs, DivideArgs, LargeArgs, MeasureName, ParameterArgs, Precision, RunArgs,
    ShardArgs, SolverArgs, SolverName, Solving,
    number::{check_fits, count_or_none, some},
};
use crate::{CliError, mixed_precision::ProductsIn, queries::Query, solve::BLOCK, verify::Amount};

const EXAMPLES: &str = "\
Examples:
  backdraft explain
      The default model (an MLP) on the embedded digits, the three test examples with the highest loss.
  backdraft explain --model lr --data cancer --solver direct
      Logistic regression, solved exactly.
  backdraft explain --data mnist/ --queries 0-9,17 --damping 0.01 --out runs/mnist
      A folder of IDX files (MNIST layout, gzipped or not), eleven test examples of your choice.
  backdraft explain --queries all
      Which training examples help and harm the whole test set most.
  backdraft explain --queries 0-99 --damping 0.1,0.03,0.01,0.003
      How scores change with the damping, which costs little more than one.
  backdraft explain --measure logit:3 --queries 17
      Which training examples raise and lower the logit of class 3.
  backdraft explain --queries ./queries.csv --store-scores runs/scores --verify none
      Many test examples, whose scores are appended to a store that later runs add to.
  backdraft explain --corrupt-labels 0.1 --queries all --group groups.csv
      What it would do to the test set to take groups of training examples away, or count them otherwise.
  backdraft explain --data concrete.csv --target strength --device wgpu
      A table with a header, on the GPU.
  backdraft explain --onnx model.onnx --data mnist/ --only '*fc*'
      Any network that PyTorch, JAX or TensorFlow exported, as it is; by way of some of its layers.
  backdraft explain --model transformer --data text/ --weights best.safetensors --queries 5 --token 12
      Which training sentences made a language model expect the word after place 12, and which of their words.
  backdraft explain --data mnist/ --hidden 256,256 --weights mlp.pt --map =layers --mean 0.1307 --std 0.3081
      An nn.Sequential that PyTorch trained, as it is, on inputs of torchvision's Normalize.
  backdraft explain --queries 0-99 --block 10 --shard 2/5 --out part2
      A fifth of the queries; --merge part1,part2,.. puts the run together.
  backdraft explain --queries 0-99 --block 10 --device cuda --devices all
      The blocks of queries dealt out to all cards.

What a score means:
  The predicted change of a query's loss when the training example is removed, loss(without) - loss(with), first order, factor
  1/N included. Positive: removing it raises the loss, the example helped. Negative: it harmed. With --measure it is the change
  of what that names, positive where removing the example raises it: of the margin or the probability of its own class,
  the example harmed.";

/// Settings of `explain`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Explain {
    #[command(flatten)]
    pub run: RunArgs,

    /// Test examples to explain, by index from 0, each by itself: such as `3,17` or `0-9,12`. `all`: the mean over the
    /// whole test set, one row of scores from one solve, which ranks all training examples by what they do for it.
    /// A file (`./queries.csv`) that lists indices or ranges, one a line, or in its column `query`, may stand for them.
    /// Default: the three with the highest loss.
    #[arg(
        long,
        value_name = "I,J-K,..|all|FILE",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub queries: Option<Vec<Query>>,

    /// What is measured of each query, and so what scores are changes of: its `loss`; the `margin` log(p / (1 - p)) or
    /// the `probability` p of its own class; the probability or the logit of class K, counted from 0, `probability:K`
    /// and `logit:K`; of a number to predict the prediction, `output:0`, in the target's own units.
    #[arg(
        long,
        value_name = "loss|logit:K|margin|probability[:K]|output:K",
        default_value_t = MeasureName::Loss,
        allow_hyphen_values = true
    )]
    pub measure: MeasureName,

    /// Of text, the place of each query that is measured, counted from 0: why did the network say this word here? The
    /// loss of the word that follows there, or what else --measure names of it, with token ids for classes. Without it
    /// the mean loss over all places is measured.
    #[arg(long, value_name = "K", value_parser = count_or_none, allow_hyphen_values = true)]
    pub token: Option<usize>,

    #[command(flatten)]
    pub parameters: ParameterArgs,

    #[command(flatten)]
    pub solver: SolverArgs,

    /// The damping. Several, such as `0.1,0.01,0.001`, are solved for in one: the report and the verification are of
    /// the first, the scores of the others in the folder `dampings`. `auto`: a tenth of the curvature's mean
    /// eigenvalue, or one over the sum of all step sizes of the training (with momentum, over one less it), whichever
    /// is larger; it is printed. Default: 0.03 for the mlp, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA,..|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// What matrix products are computed in while systems are solved and examples scored. How far 16 bits put
    /// derivatives off is told; conjugate gradients go to a residual of 0.01 then. The verification is exact all the
    /// same.
    #[arg(long, value_enum, default_value_t = ProductsIn::F32)]
    pub products: ProductsIn,

    /// Solve on until the first N of each query's examples with the most positive scores, and with the most negative
    /// ones, are settled: no other can come before, whatever the exact scores are within their bounds. Ends where
    /// rounding does.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub settle: Option<NonZeroUsize>,

    /// Write the self-influence of all training examples too, `self-influence.csv`: each one's score for its own loss,
    /// which is large where the network has memorised the example, or for what --measure names of itself. Exact where
    /// memory or time allow, else EK-FAC's with exact values for the largest; which is printed.
    #[arg(long)]
    pub self_influence: bool,

    /// Which removals have a Newton estimate beside their scores, which corrects influence for the curvature that goes
    /// with an example: `quick` as many of those that a full verification takes, the strongest of each query first, as
    /// can be had in about a minute; `full` all of them. A linear system for each of an example's outputs. `all` is
    /// `full`, and writes `leverage.csv` too: every training example's leverage and Newton estimates, exact through the
    /// smaller of a kernel matrix of examples times outputs, as far as that fits into memory, and a dense matrix of up
    /// to 4,096 parameters, or solved for up to 2,000 examples times outputs, else by EK-FAC; which is printed.
    #[arg(long, value_enum, default_value_t = NewtonName::Quick)]
    pub newton: NewtonName,

    /// A CSV file of groups of training examples whose weights change: in its column `train` an index a line, in
    /// `weight_change`, if there is one, what is added to the example's weight of 1 (-1 removes it, 1 counts it twice;
    /// without the column all are removed), and in `group`, if there is one, whose it is. What each group is predicted
    /// to do to each query, by one solve a group, and really does, is written to `groups.csv` and the report.
    #[arg(long, value_name = "FILE")]
    pub group: Option<PathBuf>,

    /// How much is verified: `quick` as many removals as fit into about a minute, and at least three; `full` all of the
    /// choice, five of each sign for every query and ten at random.
    #[arg(long, value_enum, default_value_t = VerifyName::Quick)]
    pub verify: VerifyName,

    /// Verify the first N removals of the choice, however long that takes. `quick` depends on how fast the machine is,
    /// this does not.
    #[arg(long, value_name = "N", conflicts_with = "verify", value_parser = some, allow_hyphen_values = true)]
    pub verify_removals: Option<NonZeroUsize>,

    #[command(flatten)]
    pub large: LargeArgs,

    /// Queries that are solved for together: conjugate gradients find more in each product the more there are, and
    /// --shard deals out whole blocks. Last digits depend on it. Default: 128.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub block: Option<NonZeroUsize>,

    #[command(flatten)]
    pub devices: DevicesArgs,

    #[command(flatten)]
    pub divide: DivideArgs,

    #[command(flatten)]
    pub shards: ShardArgs,
}

impl Explain {
    pub fn solving(&self) -> Solving {
        Solving {
            solver: self.solver,
            products: self.products,
            seed: self.run.compute.seed,
            block: self.block.map_or(BLOCK, NonZeroUsize::get),
        }
    }

    pub fn solver(&self) -> SolverName {
        self.solving().solver()
    }

    /// How much is verified.
    pub fn amount(&self) -> Amount {
        match (self.verify_removals, self.verify) {
            (Some(count), _) => Amount::Removals(count.get()),
            (None, VerifyName::None) => Amount::Nothing,
            (None, VerifyName::Quick) => Amount::Quick,
            (None, VerifyName::Full) => Amount::Full,
        }
    }

    pub fn precision(&self) -> Precision {
        self.solving().precision()
    }

    /// Refuses settings that the solver could not go by, before anything is trained.
    pub fn check(&self, damping: &Damping, network: &ZooConfig) -> Result<(), CliError> {
        let dtype = self.precision().dtype();
        if self.precision() == Precision::F64 && self.products.half().is_some() {
            return Err(CliError::Option {
                option: "--products",
                problem: format!(
                    "{} is for f32: with --precision f64 everything is computed in f64",
                    self.products.name()
                ),
            });
        }
        self.large
            .check(damping, self.newton, self.settle.is_some())?;
        for damping in damping.given() {
            check_fits("--damping", Some(*damping), dtype)?;
        }
        let refused = |problem: &str| {
            let problem = problem.to_owned();
            Err(CliError::Option {
                option: "--settle",
                problem,
            })
        };
        if self.block.is_some() && self.solving().unit() == 1 {
            return Err(CliError::Option {
                option: "--block",
                problem: format!(
                    "is of solvers that share products: {} solves for each query by itself",
                    self.solver().name()
                ),
            });
        }
        if self.settle.is_some() && self.solver() != SolverName::Cg {
            return refused("solves on by conjugate gradients: leave out --solver, or --settle");
        }
        if self.settle.is_some()
            && self.verify_removals.is_none()
            && self.verify == VerifyName::None
        {
            return refused("needs the bounds of scores, which --verify none leaves out");
        }
        self.solver.check(self.solver(), network, dtype)
    }
}

/// How many removals have a Newton estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NewtonName {
    None,
    Quick,
    Full,
    All,
}

impl NewtonName {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quick => "quick",
            Self::Full => "full",
            Self::All => "all",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyName {
    None,
    Quick,
    Full,
}
