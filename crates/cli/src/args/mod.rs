//! What can be asked on the command line.

mod audit;
mod bayes;
mod compute;
mod damping;
mod data;
mod devices;
#[cfg(test)]
mod documented;
mod explain;
mod flow;
mod folder;
mod large;
mod loss;
mod measure;
mod model;
pub(crate) mod number;
mod parameters;
mod path;
mod perturb;
mod preconditioner;
mod run;
mod shapley;
mod shards;
mod solver;
mod table;
mod train;
mod training;
mod unlearn;

use clap::{Parser, Subcommand};

use crate::{
    bench::{Estimators, Products, Size, Solves},
    device::Compare,
    experiment::{Correlate, Decompose, Mislabelling, Sweeping, Validating},
    illustrate::Illustrate,
    models::Models,
    shell::{Completions, Manual},
};

pub(crate) use self::{
    audit::Audit,
    bayes::{Bayes, CompareName, IntegratorName, StepSize},
    compute::ComputeArgs,
    damping::Damping,
    data::{DataArgs, ScalingName},
    devices::{DevicesArgs, DivideArgs},
    explain::{Explain, NewtonName, VerifyName},
    flow::Flow,
    folder::FolderArgs,
    large::LargeArgs,
    measure::MeasureName,
    model::{ActivationName, ModelArgs},
    parameters::ParameterArgs,
    path::{FollowPaths, ObjectiveName, PathSolverName},
    perturb::Perturb,
    preconditioner::{PreconditionerName, Rank},
    run::RunArgs,
    shapley::{FeaturesName, GroupsOf, MOST, MethodName, Shapley, Tolerance},
    shards::ShardArgs,
    solver::{Precision, SolverArgs, SolverName, Solving},
    train::Train,
    training::{PresetName, TrainingArgs},
    unlearn::{BatchSize, Unlearn, UnlearnName},
};

/// Which training examples made a network behave like this, and how far can the answer be trusted?
///
/// Without a command, `backdraft` explains the default model on the embedded digits.
#[derive(Debug, Parser)]
#[command(name = "backdraft", version, args_conflicts_with_subcommands = true)]
pub(super) struct Args {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub explain: Explain,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Train a model or take one's weights, score every training example for some test examples, and verify the scores.
    Explain(Box<Explain>),
    /// Find training examples whose labels look wrong, and see what correcting them changes.
    Audit(Box<Audit>),
    /// Score every training example by the covariance of its loss with what is measured, over a posterior about the
    /// weights, and set that beside influence.
    Bayes(Box<Bayes>),
    /// Find which change of which training example would mend a test example, or harm it: moved inputs, other labels.
    Perturb(Box<Perturb>),
    /// Find what each training example, or group of them, is worth to the performance: Data Shapley.
    Shapley(Box<Shapley>),
    /// Make a network forget some training examples, by continuing, rewinding or one step, beside retraining without
    /// them.
    Unlearn(Box<Unlearn>),
    /// Follow training by gradient flow with all training examples, and from some time on without some of them.
    Flow(Box<Flow>),
    /// Follow the network as the weight of training examples goes from 1 to 0, and hold influence at both ends and the
    /// Newton estimate against that path.
    Path(Box<FollowPaths>),
    /// Train a model, or go on where the same command was interrupted.
    Train(Box<Train>),
    /// Take training examples away, and follow each removal from retraining to the influence estimate: the five gaps
    /// between them.
    Decompose(Box<Decompose>),
    /// Hold predicted changes of test losses against retraining and the proximal Bregman response.
    Correlate(Box<Correlate>),
    /// Decompose again and again while one setting varies.
    Sweep(Box<Sweeping>),
    /// Make labels wrong, and see how soon influence finds them.
    Mislabel(Box<Mislabelling>),
    /// Remove the training examples with the largest influence on a test example, fit again without each, and hold what
    /// estimators of influence predict against what that does.
    Validate(Box<Validating>),
    /// Draw what is behind the terms of influence functions, on data made up from a seed.
    #[command(subcommand)]
    Illustrate(Illustrate),
    /// List the models, with their numbers of parameters.
    Models(Models),
    /// List the devices that this build and this machine can use.
    Devices,
    /// Compute the same on several devices, and show how far they are apart.
    Compare(Compare),
    /// Measure how fast this machine is.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Print a script by which a shell completes commands and options.
    Completions(Completions),
    /// Write the manual pages of all commands.
    Man(Manual),
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Time derivatives of one batch on fixed networks with random data.
    Products(Products),
    /// Count the products and the seconds that it takes to solve for many queries.
    Solves(Solves),
    /// Hold the scores of approximate inverses against exact ones and against responses, with their times.
    Estimators(Estimators),
    /// Measure the memory and the time of derivatives of a language model of any size, on random words.
    Size(Size),
}
