//! What can be asked of `backdraft perturb`.

use std::num::NonZeroUsize;

use backdraft_influence::{StepGoal, StepNorm};
use backdraft_models::ZooConfig;
use clap::{Args, ValueEnum};

use super::{
    Damping, RunArgs, SolverArgs, Solving,
    number::{check_fits, count_or_none, positive, some},
};
use crate::{CliError, mixed_precision::ProductsIn, queries::Query, solve::BLOCK};

const EXAMPLES: &str = "\
Examples:
  backdraft perturb
      The default model (an MLP) on the embedded digits: what would mend the three test examples with the highest loss.
  backdraft perturb --model lr --data cancer --queries 7 --solver direct --retrain 5
      Logistic regression: predictions beside the network trained again with the changed example.
  backdraft perturb --queries 3 --size 1 --norm l2 --clip --goal harm
      Moves of a Euclidean length of 1, within black and white, that would do the most harm.
  backdraft perturb --data concrete.csv --target strength --target-step 5
      A table: which cells matter, and which targets, moved by 5 of their own units, would mend the query.

What a prediction means:
  The predicted change of a query's loss when one training example is changed, loss(changed) - loss(as it was), factor 1/N
  included. Negative: the change mends the query. Positive: it harms.";

/// Settings of `perturb`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Perturb {
    #[command(flatten)]
    pub run: RunArgs,

    /// Test examples to ask about, by index from 0: such as `3,17` or `0-9,12`. Default: the three with the highest
    /// loss.
    #[arg(
        long,
        visible_alias = "query",
        value_name = "I,J-K,..",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub queries: Option<Vec<Query>>,

    /// Where the query's loss is to go.
    #[arg(long, value_enum, default_value_t = GoalName::Mend)]
    pub goal: GoalName,

    /// How far the inputs of a training example may be moved, as the network reads them: a share of black to white for
    /// pixels, standard deviations for the columns of a table, unless --inputs says otherwise. A very small one takes
    /// --precision f64: predictions are differences.
    #[arg(long, value_name = "SIZE", default_value_t = 0.1, value_parser = positive, allow_hyphen_values = true)]
    pub size: f64,

    /// What that is measured by.
    #[arg(long, value_enum, default_value_t = NormName::Linf)]
    pub norm: NormName,

    /// Keep moved inputs within the data's range: pixels between black and white, the columns of a table between their
    /// least and their greatest number in the training part.
    #[arg(long)]
    pub clip: bool,

    /// How far a regression's targets are moved, up and down, in their own units. Default: their standard deviation in
    /// the training part.
    #[arg(long, value_name = "STEP", value_parser = positive, allow_hyphen_values = true)]
    pub target_step: Option<f64>,

    /// How many changes of each kind, inputs and labels, are told for each query.
    #[arg(long, value_name = "N", default_value = "5", value_parser = some, allow_hyphen_values = true)]
    pub changes: NonZeroUsize,

    #[command(flatten)]
    pub solver: SolverArgs,

    /// The damping, or `auto`: a tenth of the curvature's mean eigenvalue, or one over the sum of all step sizes of the
    /// training, whichever is larger; it is printed. Default: 0.03, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// Hold the first N changes of each kind and query against the response of the network; 0 for none.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = count_or_none, allow_hyphen_values = true)]
    pub verify: usize,

    /// Train the network again with each of the first N changes of each kind and query: to the minimum for lr, else as
    /// it was trained, from the same initial parameters, where one example tells little.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count_or_none, allow_hyphen_values = true)]
    pub retrain: usize,
}

impl Perturb {
    pub fn solving(&self) -> Solving {
        Solving {
            solver: self.solver,
            products: ProductsIn::F32,
            seed: self.run.compute.seed,
            block: BLOCK,
        }
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(
        &self,
        damping: &Damping,
        network: &ZooConfig,
        is_regression: bool,
    ) -> Result<(), CliError> {
        let refused = |option, problem: &str| {
            let problem = problem.to_owned();
            Err(CliError::Option { option, problem })
        };
        let solving = self.solving();
        let dtype = solving.precision().dtype();
        match damping.given() {
            [] => {}
            [one] => check_fits("--damping", Some(*one), dtype)?,
            _ => return refused("--damping", "has several: perturb takes one"),
        }
        check_fits("--size", Some(self.size), dtype)?;
        if self.target_step.is_some() && !is_regression {
            return refused(
                "--target-step",
                "is for numbers to predict: every other class is tried without it",
            );
        }
        if self.retrain > 0 && self.run.weights_option().is_some() {
            return refused(
                "--retrain",
                "trains again as the network was trained, which a file of weights does not tell: leave out the one or the other",
            );
        }
        self.solver.check(solving.solver(), network, dtype)
    }
}

/// Where a query's loss is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GoalName {
    /// Down.
    Mend,
    /// Up.
    Harm,
}

impl GoalName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Mend => "mend",
            Self::Harm => "harm",
        }
    }
}

impl From<GoalName> for StepGoal {
    fn from(name: GoalName) -> Self {
        match name {
            GoalName::Mend => Self::Lower,
            GoalName::Harm => Self::Raise,
        }
    }
}

/// What a move is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NormName {
    /// The largest change of any one input.
    Linf,
    /// The Euclidean length.
    L2,
}

impl NormName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Linf => "linf",
            Self::L2 => "l2",
        }
    }
}

impl From<NormName> for StepNorm {
    fn from(name: NormName) -> Self {
        match name {
            NormName::Linf => Self::Linf,
            NormName::L2 => Self::L2,
        }
    }
}
