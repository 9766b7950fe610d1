//! What can be asked of `backdraft validate`.

use std::path::PathBuf;

use backdraft::attribution::Shard;
use clap::{Args, ValueEnum};

use crate::{
    CliError,
    args::{
        ComputeArgs, DataArgs, FolderArgs, ModelArgs, Precision, SolverArgs, SolverName,
        TrainingArgs,
        number::{count, count_or_none, not_negative, positive, shard},
    },
    estimators::EstimatorName,
    experiment::Common,
};

/// The L2 term of logistic and linear regression, unless another is asked for.
const L2: f64 = 0.01;

const VALIDATE: &str = "\
Examples:
  backdraft validate
      Logistic regression on the embedded digits, the first test digit that it gets wrong, and the 500 training digits
      with the largest influence on it.
  backdraft validate --data mnist/
      The same on a folder with MNIST's files.
  backdraft validate --data mnist/ --query 8 --estimators cg,ekfac,diagonal --shard 1/2 --out runs/part1
      Half of the removals and of some estimators for a test digit of one's own; --merge puts the parts together.

Each of the training examples is removed, the network is fitted again without it, and the change of the query's loss is
held against what each estimator predicts of it: by Pearson's and Spearman's correlation, the slope, and seconds. The
cost is the mean loss and the term l2/2 ||theta||^2, which damps every matrix alike; for lr there is no damping beside
it, and l2 is 0.01.

The query, unless one is named, is the first test example that the network gives another class than its own; if there
is none, or for numbers, the one with the highest loss.

What it writes:
  validate.json   all settings, what each estimator predicts and what happened, with the seconds
  validation.csv  a row for each removal, a column for each estimator
  report.html     all of it for a reader, with a panel for each estimator

Stopped (Ctrl-C, kill, power cut), the same command goes on after the last refit that it finished, with the same
numbers.";

/// Settings of `validate`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = VALIDATE,
    mut_arg("model", |model| model.default_value("lr")),
    mut_arg("weight_decay", |l2| l2.visible_alias("l2"))
)]
pub(crate) struct Validating {
    #[command(flatten)]
    pub model: ModelArgs,

    #[command(flatten)]
    pub data: DataArgs,

    /// Only so many training examples, drawn by the seed. Default: all.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub examples: Option<usize>,

    #[command(flatten)]
    pub training: TrainingArgs,

    /// What is added to all eigenvalues of the estimators' matrix, beside the L2 term. Default: 0 for lr, which has its
    /// minimum; else 0.001, for the transformer 0.01.
    #[arg(long, value_name = "LAMBDA", value_parser = not_negative, allow_hyphen_values = true)]
    pub damping: Option<f64>,

    /// Training examples that are removed, one by one: those with the largest influence on the query in size, by
    /// conjugate gradients. Of fewer examples all.
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = count, allow_hyphen_values = true)]
    pub points: usize,

    /// The test example whose loss is predicted. Default: see below.
    #[arg(long, value_name = "I", value_parser = count_or_none, allow_hyphen_values = true)]
    pub query: Option<usize>,

    /// The estimators. `lanczos` is Arnoldi's method for symmetric matrices. Those that do not fit into memory are
    /// listed with the reason.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = ALL)]
    pub estimators: Vec<EstimatorName>,

    /// Also hold the Newton estimate of each removal against it, which has the curvature that is left without the
    /// example: a solve for each output of each of the points, in blocks.
    #[arg(long)]
    pub newton: bool,

    /// Vectors of the sketch (nystroem) and of the Krylov space (lanczos).
    #[arg(long, value_name = "RANK", default_value_t = 100, value_parser = count, allow_hyphen_values = true)]
    pub rank: usize,

    /// Parameters of which direct forms a dense matrix at most: it takes 8 bytes for each pair.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = count, allow_hyphen_values = true)]
    pub direct_limit: usize,

    /// LiSSA's recursion steps in one repeat.
    #[arg(long, value_name = "STEPS", default_value_t = 20_000, value_parser = count, allow_hyphen_values = true)]
    pub depth: usize,

    /// LiSSA's independent recursions, of which the mean is taken.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = count, allow_hyphen_values = true)]
    pub repeats: usize,

    /// Examples in each step of LiSSA.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = count, allow_hyphen_values = true)]
    pub lissa_batch: usize,

    /// LiSSA's scale. Default: twice the largest eigenvalue seen in a few batches, by power iteration; it is told.
    #[arg(long, value_name = "SIGMA", value_parser = positive, allow_hyphen_values = true)]
    pub scale: Option<f64>,

    /// How the network is fitted again. Default: minimum for lr, else training.
    #[arg(long, value_enum)]
    pub refit: Option<RefitName>,

    /// The type of numbers. One example's removal moves parameters by less than f32 tells apart. Default: f64 where the
    /// device computes in it.
    #[arg(long, value_enum)]
    pub precision: Option<Precision>,

    #[command(flatten)]
    pub compute: ComputeArgs,

    #[command(flatten)]
    pub folder: FolderArgs,

    /// Do only the I-th of N parts of the removals and the estimators, to be merged later: on other cores, or other
    /// machines.
    #[arg(long, value_name = "I/N", value_parser = shard, allow_hyphen_values = true)]
    pub shard: Option<Shard>,

    /// Take what is done in these folders of the same validation, and the trained network if there is none yet.
    #[arg(long, value_name = "DIR,..", value_delimiter = ',')]
    pub merge: Vec<PathBuf>,
}

/// The estimators unless some are named.
const ALL: [EstimatorName; 11] = [
    EstimatorName::Direct,
    EstimatorName::Cg,
    EstimatorName::Lissa,
    EstimatorName::OuterProduct,
    EstimatorName::Diagonal,
    EstimatorName::LastLayer,
    EstimatorName::Kfac,
    EstimatorName::Ekfac,
    EstimatorName::Nystroem,
    EstimatorName::Lanczos,
    EstimatorName::Dual,
];

/// How the network is fitted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RefitName {
    /// To the minimum of the cost without the example, from the trained parameters. A convex cost with an L2 term has
    /// one minimum, whatever the start.
    Minimum,
    /// Trained again from the same initial parameters, with the same batches; from what the same training comes to with
    /// all examples.
    Training,
}

impl Validating {
    /// What it shares with other experiments, with its own defaults. For conjugate gradients, by which the points are
    /// chosen.
    pub fn common(&self) -> Result<Common, CliError> {
        let is_convex = self.is_regression()?;
        let training = TrainingArgs {
            weight_decay: self.training.weight_decay.or(is_convex.then_some(L2)),
            ..self.training
        };
        Ok(Common {
            model: self.model.clone(),
            data: self.data.clone(),
            examples: self.examples,
            training,
            learning_rate: None,
            damping: self.damping.or(is_convex.then_some(0.0)),
            hessian: false,
            converge: false,
            solver: SolverArgs {
                name: Some(SolverName::Cg),
                precision: self.precision,
                ..SolverArgs::default()
            },
            compute: self.compute,
            folder: self.folder.clone(),
            shard: self.shard,
            merge: self.merge.clone(),
        })
    }

    /// How the network is fitted again.
    pub fn refit(&self) -> Result<RefitName, CliError> {
        Ok(match (self.refit, self.is_regression()?) {
            (Some(refit), _) => refit,
            (None, true) => RefitName::Minimum,
            (None, false) => RefitName::Training,
        })
    }

    /// Whether the cost is convex in the parameters.
    fn is_regression(&self) -> Result<bool, CliError> {
        Ok(self.model.kind()? == backdraft_models::Architecture::LogisticRegression)
    }
}
