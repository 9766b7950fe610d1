//! What can be asked of `backdraft path`.

use std::path::PathBuf;

use backdraft_influence::{path::PathConfig, response::ResponseKind};
use backdraft_models::{Activation, Architecture, ZooConfig};
use burn::tensor::DType;
use clap::{Args, ValueEnum};

use super::{
    Damping, RunArgs,
    number::{check_fits, count, not_negative, positive, residual},
};
use crate::{CliError, queries::Query};

const EXAMPLES: &str = "\
Examples:
  backdraft path
      The default model (an MLP) on the embedded digits: the way to the network without the training example that matters
      most to the test example with the highest loss.
  backdraft path --model lr --data cancer --examples 17,101 --queries 7
      Logistic regression, from its minimum with each of two training examples to that without it.
  backdraft path --model lr --data cancer --group groups.csv
      Groups of training examples, whose weights go from 1 to theirs together.
  backdraft path --objective proximal --damping 0.1 --steps 20
      The cost itself, held close to the trained network.

What is told:
  The influences at both ends of the path, how far they differ and what bounds that; how straight the path is; where a
  straight step along either, and a Newton step, lands; and the queries' losses all along it.";

/// The tolerance where the gradient does not come near 0.
const COARSE: f64 = 1e-3;

/// Settings of `path`.
#[derive(Clone, Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct FollowPaths {
    #[command(flatten)]
    pub run: RunArgs,

    /// Training examples by index from 0, such as `3,17` or `0-9,12`: a path for each, along which its weight goes from
    /// 1 to 0. Default: the one that influence says matters most to the first query.
    #[arg(
        long,
        visible_alias = "example",
        value_name = "I,J-K,..",
        value_delimiter = ',',
        conflicts_with = "group",
        allow_hyphen_values = true
    )]
    pub examples: Option<Vec<Query>>,

    /// Groups of training examples in a CSV file: a path for each, along which all its weights change together. The
    /// columns are those of `explain --group`: `train`, and if you like `weight_change` and `group`.
    #[arg(long, value_name = "FILE")]
    pub group: Option<PathBuf>,

    /// Test examples whose losses are followed along the paths, by index from 0: such as `3,17` or `0-9,12`. Default:
    /// the three with the highest loss.
    #[arg(
        long,
        visible_alias = "query",
        value_name = "I,J-K,..",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub queries: Option<Vec<Query>>,

    /// Of what the path is the minimum. Default: retraining for lr, which is trained to its minimum, else bregman, of
    /// which any network is the minimum.
    #[arg(long, value_enum)]
    pub objective: Option<ObjectiveName>,

    /// Strength of the proximal term of --objective proximal and bregman, or `auto`: a tenth of the curvature's mean
    /// eigenvalue, or one over the sum of all step sizes of the training, whichever is larger; it is printed. Default:
    /// 0.03, the L2 coefficient of the training for lr.
    #[arg(long, value_name = "LAMBDA|auto", value_parser = Damping::parse, allow_hyphen_values = true)]
    pub damping: Option<Damping>,

    /// Strength of the cost's L2 term, `l2/2 ||theta||^2` beside the mean loss. Default: the L2 coefficient of the
    /// training for --objective retraining and proximal, else 0.
    #[arg(long, value_name = "L2", value_parser = not_negative, allow_hyphen_values = true)]
    pub l2: Option<f64>,

    /// Equal steps of the weight from 1 to 0, after each of which there is a point; one that is too long is halved.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = count, allow_hyphen_values = true)]
    pub steps: usize,

    /// Norm of the objective's gradient at which a point counts as on the path, relative to the removed part's.
    /// Default: 1e-8; 1e-3 of networks with kinks (ReLU, max pooling), where the gradient of a minimum need not vanish,
    /// and where there are only 32 bits.
    #[arg(long, value_name = "RESIDUAL", value_parser = residual, allow_hyphen_values = true)]
    pub tolerance: Option<f64>,

    /// The shortest step of the weight: where a shorter one would be needed, the path ends.
    #[arg(long, value_name = "STEP", default_value_t = 1e-4, value_parser = positive, allow_hyphen_values = true)]
    pub shortest: f64,

    /// How systems of the objective's Hessian are solved. Default: direct up to 512 parameters, else cg.
    #[arg(long, value_enum)]
    pub solver: Option<PathSolverName>,
}

impl FollowPaths {
    /// Of what paths are minima, for a model of `kind`.
    pub fn objective(&self, kind: Architecture) -> ObjectiveName {
        let default = match kind {
            Architecture::LogisticRegression => ObjectiveName::Retraining,
            _ => ObjectiveName::Bregman,
        };
        self.objective.unwrap_or(default)
    }

    /// The settings of paths of `network`, in numbers of `dtype`.
    pub fn config(&self, network: &ZooConfig, dtype: DType) -> PathConfig {
        let default = PathConfig::default();
        PathConfig {
            steps: self.steps,
            tolerance: self
                .tolerance
                .unwrap_or(match is_smooth(network) && dtype == DType::F64 {
                    true => default.tolerance,
                    false => COARSE,
                }),
            shortest: self.shortest,
            ..default
        }
    }

    /// Refuses settings that nothing could go by, before anything is trained.
    pub fn check(&self, kind: Architecture, damping: &Damping) -> Result<(), CliError> {
        let refused = |option, problem: &str| {
            let problem = problem.to_owned();
            Err(CliError::Option { option, problem })
        };
        let objective = self.objective(kind);
        if objective == ObjectiveName::Retraining && self.damping.is_some() {
            return refused(
                "--damping",
                "is the strength of a proximal term, which --objective retraining has none of: leave it out, or take --objective proximal",
            );
        }
        match damping.given() {
            [] => {}
            [one] => check_fits("--damping", Some(*one), DType::F64)?,
            _ => return refused("--damping", "has several: path takes one"),
        }
        let whole = 1.0 / self.steps as f64;
        if self.shortest > whole || self.shortest < 1e-12 {
            let problem =
                format!("must lie between 1e-12 and a whole step, {whole}: lower it, or --steps");
            return refused("--shortest", &problem);
        }
        Ok(())
    }
}

/// Whether a network has no kinks.
fn is_smooth(network: &ZooConfig) -> bool {
    match network {
        ZooConfig::LogisticRegression(_) => true,
        ZooConfig::Mlp(mlp) => mlp.activation != Activation::Relu,
        _ => false,
    }
}

/// Of what paths are minima.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObjectiveName {
    /// The cost, as if the network was trained again to its minimum.
    Retraining,
    /// The cost, held close to the trained network.
    Proximal,
    /// The proximal Bregman objective (Bae et al. 2022), of which the trained network is the minimum.
    Bregman,
}

impl ObjectiveName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Retraining => "retraining",
            Self::Proximal => "proximal",
            Self::Bregman => "bregman",
        }
    }

    pub fn kind(self) -> ResponseKind {
        match self {
            Self::Retraining => ResponseKind::Retraining,
            Self::Proximal => ResponseKind::Proximal,
            Self::Bregman => ResponseKind::Bregman,
        }
    }

    /// What makes the path begin at the trained network, in words.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Retraining => {
                "the cost itself, whose minimum nearest to the trained network is the beginning of the path"
            }
            Self::Proximal => {
                "the cost, held close to the trained network, whose minimum is the beginning of the path"
            }
            Self::Bregman => {
                "the proximal Bregman objective, which holds the outputs close to the trained ones, so that the trained network is \
                 its minimum and the beginning of the path, wherever training stopped"
            }
        }
    }
}

/// How systems are solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PathSolverName {
    /// Conjugate gradients.
    Cg,
    /// The dense matrix and its Cholesky factor, up to 4,096 parameters.
    Direct,
}

impl PathSolverName {
    pub fn name(self) -> &'static str {
        match self {
            Self::Cg => "cg",
            Self::Direct => "direct",
        }
    }
}
