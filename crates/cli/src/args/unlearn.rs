//! What can be asked of `backdraft unlearn`.

use std::path::PathBuf;

use backdraft_models::ZooConfig;
use backdraft_report::{brief, unlearning::UnlearningMethod};
use clap::{Args, ValueEnum};

use super::{
    Damping, RunArgs, SolverArgs, Solving,
    number::{check_fits, count, count_or_none, momentum, not_negative, positive, share},
};
use crate::{CliError, mixed_precision::ProductsIn, solve::BLOCK};

const EXAMPLES: &str = "\
Examples:
  backdraft unlearn --model lr --data digits --points 20
      Logistic regression trained by gradient descent: every method beside retraining without 20 drawn examples, and
      what can be certified.
  backdraft unlearn --data digits --points 20 --shares 0.1,0.25,0.5,0.75,0.9,1
      The default model (an MLP), rewound ever further.
  backdraft unlearn --data digits --forget mine.csv --methods r2d --radius 20 --smoothness 5 --gradient-bound 10
      The training examples in the column `train` of a file; a certificate under bounds that you answer for.

What methods are held against:
  the network retrained from the same initial parameters by the same steps, with a weight of 0 on the examples.";

/// Settings of `unlearn`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Unlearn {
    #[command(flatten)]
    pub run: RunArgs,

    /// The training examples to forget: a CSV file with their indices, from 0, in the column `train`.
    #[arg(long, value_name = "FILE", conflicts_with = "points")]
    pub forget: Option<PathBuf>,

    /// How many training examples to forget, where no file names them: the seed draws which.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count, allow_hyphen_values = true)]
    pub points: usize,

    /// How to forget. Retraining is always done: the others are held against it.
    #[arg(
        long,
        visible_alias = "method",
        value_enum,
        value_name = "METHOD,..",
        value_delimiter = ',',
        default_value = "retrain,d2d,r2d,influence,newton"
    )]
    pub methods: Vec<UnlearnName>,

    /// The steps that d2d and r2d take, as shares of the training's, each by itself: d2d goes on by so many, r2d goes
    /// back by so many and on from there.
    #[arg(
        long,
        value_name = "SHARE,..",
        value_delimiter = ',',
        default_value = "0.1,0.25,0.5,0.75",
        value_parser = share,
        allow_hyphen_values = true
    )]
    pub shares: Vec<f64>,

    #[command(flatten)]
    pub descent: DescentArgs,

    /// The epsilon of certificates: at most 1, the smaller the more alike.
    #[arg(long, value_name = "EPSILON", default_value_t = 1.0, value_parser = positive, allow_hyphen_values = true)]
    pub epsilon: f64,

    /// The delta of certificates, below 1.
    #[arg(long, value_name = "DELTA", default_value_t = 1e-5, value_parser = positive, allow_hyphen_values = true)]
    pub delta: f64,

    /// That the loss of an example, without the L2 term, is so smooth: the largest eigenvalue of its Hessian in size,
    /// wherever training comes. You answer for it; for lr it is known.
    #[arg(long, value_name = "L", value_parser = positive, allow_hyphen_values = true)]
    pub smoothness: Option<f64>,

    /// The largest norm of the gradient of an example's loss wherever training comes. You answer for it; for lr it is
    /// known.
    #[arg(long, value_name = "G", value_parser = positive, allow_hyphen_values = true)]
    pub gradient_bound: Option<f64>,

    /// Write the weights of certified networks with the noise of their certificates. It is drawn from the seed: keep
    /// that to yourself.
    #[arg(long)]
    pub noise: bool,

    /// Networks retrained from other seeds without the examples, which the membership test is calibrated on; 0 for
    /// none.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = count_or_none, allow_hyphen_values = true)]
    pub references: usize,

    #[command(flatten)]
    pub solver: SolverArgs,

    /// The damping of influence and the Newton step, or `auto`. Default: 0.03, the L2 coefficient of the training for
    /// lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,
}

/// How the network is trained, and trained on: by gradient descent.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DescentArgs {
    /// Passes over the data. Default: the preset's, and 500 for lr.
    #[arg(long, value_name = "N", value_parser = count, allow_hyphen_values = true)]
    pub epochs: Option<usize>,

    /// Examples in a step, or `all`. Default: the preset's, and all for lr.
    #[arg(long, value_name = "N|all", value_parser = BatchSize::parse, allow_hyphen_values = true)]
    pub batch_size: Option<BatchSize>,

    /// The step size, which stays. Default: 0.1, 0.03 for numbers to predict, and for lr the one that contracts fastest,
    /// 2/(mu + L).
    #[arg(long, value_name = "RATE", value_parser = positive, allow_hyphen_values = true)]
    pub learning_rate: Option<f64>,

    /// The momentum, at least 0 and below 1. With any, nothing is certified.
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = momentum, allow_hyphen_values = true)]
    pub momentum: f64,

    /// The coefficient of the L2 term, `1/2 coefficient ||theta||^2`. Default: the preset's.
    #[arg(long, value_name = "L2", value_parser = not_negative, allow_hyphen_values = true)]
    pub weight_decay: Option<f64>,

    /// Project every step onto the ball of this radius about 0.
    #[arg(long, value_name = "R", value_parser = positive, allow_hyphen_values = true)]
    pub radius: Option<f64>,
}

/// Examples in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BatchSize {
    All,
    Of(usize),
}

impl BatchSize {
    fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "all" => Ok(Self::All),
            text => count(text)
                .map(Self::Of)
                .map_err(|problem| format!("{problem}, or `all`")),
        }
    }

    /// Of so many.
    pub fn of(self, examples: usize) -> usize {
        match self {
            Self::All => examples,
            Self::Of(count) => count.min(examples),
        }
    }
}

impl Unlearn {
    pub fn solving(&self) -> Solving {
        Solving {
            solver: self.solver,
            products: ProductsIn::F32,
            seed: self.run.compute.seed,
            block: BLOCK,
        }
    }

    /// Whether a method is asked for.
    pub fn has(&self, method: UnlearnName) -> bool {
        self.methods.contains(&method)
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(&self, damping: &Damping, network: &ZooConfig) -> Result<(), CliError> {
        let refused = |option, problem: String| Err(CliError::Option { option, problem });
        let solving = self.solving();
        let dtype = solving.precision().dtype();
        match damping.given() {
            [] => {}
            [one] => check_fits("--damping", Some(*one), dtype)?,
            _ => return refused("--damping", "has several: unlearn takes one".into()),
        }
        for (option, value) in [
            ("--learning-rate", self.descent.learning_rate),
            ("--weight-decay", self.descent.weight_decay),
            ("--radius", self.descent.radius),
        ] {
            check_fits(option, value, dtype)?;
        }
        if let Some(option) = self.run.weights_option() {
            return refused(
                option,
                "tells neither the steps that led to the weights nor what lies on the way: leave it out, and the network is trained".into(),
            );
        }
        if self.epsilon > 1.0 {
            let problem = format!(
                "is {}: the noise is known for at most 1",
                brief(self.epsilon)
            );
            return refused("--epsilon", problem);
        }
        if self.delta >= 1.0 {
            let problem = format!("is {}: it must be below 1", brief(self.delta));
            return refused("--delta", problem);
        }
        match (self.smoothness, self.gradient_bound) {
            (Some(_), None) => {
                return refused(
                    "--smoothness",
                    "says half of it: give --gradient-bound too".into(),
                );
            }
            (None, Some(_)) => {
                return refused(
                    "--gradient-bound",
                    "says half of it: give --smoothness too".into(),
                );
            }
            _ => {}
        }
        let zero = self.shares.contains(&0.0);
        let mut sorted = self.shares.clone();
        sorted.sort_by(f64::total_cmp);
        if zero || sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            let problem =
                "must be above 0, each once: 0 is the trained network, which is told anyway";
            return refused("--shares", problem.into());
        }
        self.solver.check(solving.solver(), network, dtype)
    }
}

/// How to forget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum UnlearnName {
    /// Train again without the examples.
    Retrain,
    /// Descent-to-delete: go on from the trained network without them.
    D2d,
    /// Rewind-to-delete: go back to a checkpoint, and on from there without them.
    R2d,
    /// The influence estimate, once.
    Influence,
    /// The Newton step, once.
    Newton,
}

impl From<UnlearnName> for UnlearningMethod {
    fn from(name: UnlearnName) -> Self {
        match name {
            UnlearnName::Retrain => Self::Retrain,
            UnlearnName::D2d => Self::D2d,
            UnlearnName::R2d => Self::R2d,
            UnlearnName::Influence => Self::Influence,
            UnlearnName::Newton => Self::Newton,
        }
    }
}
