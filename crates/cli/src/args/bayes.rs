//! What can be asked of `backdraft bayes`.

use std::num::NonZeroUsize;

use backdraft_influence::bayes::Integrator;
use backdraft_models::ZooConfig;
use clap::{Args, ValueEnum};

use super::{
    Damping, MeasureName, RunArgs, SolverArgs, Solving,
    number::{check_fits, count, count_or_none, positive, some},
};
use crate::{CliError, mixed_precision::ProductsIn, queries::Query, solve::BLOCK};

/// Draws of a chain at least: its standard errors are from eight blocks of two or more.
const LEAST_DRAWS: usize = 16;

const EXAMPLES: &str = "\
Examples:
  backdraft bayes
      The default model (an MLP) on the embedded digits, the three test examples with the highest loss, beside influence
      with the damping that belongs to the posterior.
  backdraft bayes --model lr --data cancer --queries all --draws 4000
      Logistic regression, and the mean loss over all test examples.
  backdraft bayes --queries 3 --inverse-temperature 20 --compare none
      A hot posterior, which tells of a wider neighbourhood of the weights.

What a score means:
  The predicted change of what is measured, in the mean over the posterior, when one training example is removed,
  m(without) - m(with), factor 1/N included: inverse temperature / N times the covariance of its loss with what is
  measured. Positive, of a loss: the example helped.";

/// Settings of `bayes`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Bayes {
    #[command(flatten)]
    pub run: RunArgs,

    /// Test examples to ask about, by index from 0: such as `3,17` or `0-9,12`; or `all`, for the mean over all.
    /// Default: the three with the highest loss.
    #[arg(
        long,
        visible_alias = "query",
        value_name = "I,J-K,..|all",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub queries: Option<Vec<Query>>,

    /// What is measured of a query: the loss, or of classes `margin`, `probability` (of its own class), `probability:K`
    /// and `logit:K`; of a number to predict the prediction, `output:0`, in the target's own units.
    #[arg(
        long,
        value_name = "loss|logit:K|margin|probability[:K]|output:K",
        default_value_t = MeasureName::Loss,
        allow_hyphen_values = true
    )]
    pub measure: MeasureName,

    /// Chains, each with noise of its own. Their differences tell whether they have mixed.
    #[arg(long, value_name = "N", default_value = "4", value_parser = some, allow_hyphen_values = true)]
    pub chains: NonZeroUsize,

    /// Draws of each chain that count.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = draws, allow_hyphen_values = true)]
    pub draws: usize,

    /// Steps of each chain before its first draw.
    #[arg(long, value_name = "STEPS", default_value_t = 500, value_parser = count_or_none, allow_hyphen_values = true)]
    pub burn_in: usize,

    /// Steps between two draws. A draw takes a forward pass over all training examples.
    #[arg(long, value_name = "STEPS", default_value = "5", value_parser = some, allow_hyphen_values = true)]
    pub thinning: NonZeroUsize,

    /// The size of steps, that of gradient descent on the mean loss, or `auto`: half the inverse of the largest
    /// curvature, damping included, at the weights and where a chain comes to in 200 steps; a tenth for Euler's method. It
    /// takes some products, and is printed.
    #[arg(long, value_name = "ETA|auto", default_value_t = StepSize::Auto, value_parser = StepSize::parse, allow_hyphen_values = true)]
    pub step_size: StepSize,

    /// The damping of the influence that the scores are to compare with, or `auto`, as explain has it: localisation over
    /// inverse temperature. Chains need about as many steps to forget as the largest curvature is of it. Default: 0.3, the
    /// L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// The localisation, how strongly the posterior holds to the weights, in place of the damping.
    #[arg(long, value_name = "GAMMA", conflicts_with = "damping", value_parser = positive, allow_hyphen_values = true)]
    pub localisation: Option<f64>,

    /// The inverse temperature. Higher is colder: closer to influence, the damping being the same. Default: the number
    /// of training examples.
    #[arg(long, value_name = "NBETA", value_parser = positive, allow_hyphen_values = true)]
    pub inverse_temperature: Option<f64>,

    /// Training examples that a step's gradient is from, drawn with replacement. Default: all.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub batch: Option<usize>,

    /// Leave the noise of a batch as it is. Without this the batch's gradient at the weights is taken off and that of
    /// all examples put in its place, for a second gradient a step.
    #[arg(long, requires = "batch")]
    pub plain_batches: bool,

    /// Leave the gradient at the weights in the cost, which drives the posterior off weights that are no minimum.
    /// Without this it is taken off, as in the proximal Bregman response, so that the weights are its mode.
    #[arg(long)]
    pub uncentred: bool,

    /// How steps are made: with noise that neighbouring steps share, which is exact for a quadratic cost, or by Euler's
    /// method, the usual Langevin dynamics, whose long steps widen the posterior.
    #[arg(long, value_enum, default_value_t = IntegratorName::LeimkuhlerMatthews)]
    pub integrator: IntegratorName,

    /// What the scores are set beside.
    #[arg(long, value_enum, default_value_t = CompareName::Influence)]
    pub compare: CompareName,

    #[command(flatten)]
    pub solver: SolverArgs,
}

fn draws(text: &str) -> Result<usize, String> {
    let least = "it must be at least 16: the standard errors are from eight blocks of draws";
    match count(text) {
        Ok(draws) if draws < LEAST_DRAWS => Err(least.into()),
        found => found,
    }
}

impl Bayes {
    pub fn solving(&self) -> Solving {
        Solving {
            solver: self.solver,
            products: ProductsIn::F32,
            seed: self.run.compute.seed,
            block: BLOCK,
        }
    }

    /// The inverse temperature for so many training examples.
    pub fn temperature(&self, examples: usize) -> f64 {
        self.inverse_temperature.unwrap_or(examples as f64)
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(&self, damping: &Damping, network: &ZooConfig) -> Result<(), CliError> {
        let solving = self.solving();
        let dtype = solving.precision().dtype();
        check_fits("--localisation", self.localisation, dtype)?;
        let option = match self.localisation {
            Some(_) => "--localisation",
            None => "--damping",
        };
        match damping.given() {
            [] => {}
            [one] => check_fits(option, Some(*one), dtype)?,
            _ => {
                return Err(CliError::Option {
                    option,
                    problem: "has several: bayes samples one posterior".into(),
                });
            }
        }
        check_fits("--inverse-temperature", self.inverse_temperature, dtype)?;
        if let StepSize::Given(size) = self.step_size {
            check_fits("--step-size", Some(size), dtype)?;
        }
        self.solver.check(solving.solver(), network, dtype)
    }
}

/// The size of steps as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum StepSize {
    Auto,
    Given(f64),
}

impl StepSize {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "auto" => Ok(Self::Auto),
            text => positive(text).map(Self::Given),
        }
    }
}

impl std::fmt::Display for StepSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Given(size) => f.write_str(&backdraft_report::brief(*size)),
        }
    }
}

/// How steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IntegratorName {
    LeimkuhlerMatthews,
    Euler,
}

impl From<IntegratorName> for Integrator {
    fn from(name: IntegratorName) -> Self {
        match name {
            IntegratorName::LeimkuhlerMatthews => Self::LeimkuhlerMatthews,
            IntegratorName::Euler => Self::Euler,
        }
    }
}

/// What scores are set beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareName {
    /// Influence with the damping that belongs to the posterior.
    Influence,
    /// Nothing: no system is solved.
    None,
}
