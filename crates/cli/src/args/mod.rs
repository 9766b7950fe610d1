//! What can be asked on the command line.

mod audit;
mod bayes;
mod compute;
mod damping;
mod data;
mod explain;
mod flow;
mod folder;
mod measure;
mod model;
pub(crate) mod number;
mod path;
mod perturb;
mod preconditioner;
mod run;
mod shapley;
mod solver;
mod train;
mod training;
mod unlearn;

use clap::{Parser, Subcommand};

use crate::{
    bench::{Estimators, Products, Solves},
    device::Compare,
    experiment::{Correlate, Decompose, Mislabelling, Sweeping, Validating},
    illustrate::Illustrate,
    models::Models,
};

pub(crate) use self::{
    audit::Audit,
    bayes::{Bayes, CompareName, IntegratorName, StepSize},
    compute::ComputeArgs,
    damping::Damping,
    data::{DataArgs, ScalingName},
    explain::{Explain, NewtonName, VerifyName},
    flow::Flow,
    folder::FolderArgs,
    measure::MeasureName,
    model::{ActivationName, ModelArgs},
    path::{FollowPaths, ObjectiveName, PathSolverName},
    perturb::Perturb,
    preconditioner::{PreconditionerName, Rank},
    run::RunArgs,
    shapley::{FeaturesName, GroupsOf, MOST, MethodName, Shapley, Tolerance},
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
}

#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Time derivatives of one batch on fixed networks with random data.
    Products(Products),
    /// Count the products and the seconds that it takes to solve for many queries.
    Solves(Solves),
    /// Hold the scores of approximate inverses against exact ones and against responses, with their times.
    Estimators(Estimators),
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{CommandFactory, Parser};

    use super::Args;

    fn understood(line: &str) {
        let words = line.split_whitespace();
        if let Err(error) = Args::try_parse_from(words) {
            panic!("{line}: {error}");
        }
    }

    #[test]
    fn commands_of_the_readme_are_understood_and_name_what_is_there() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let readme = include_str!("../../../../README.md");
        let blocks = readme.split("```console\n").skip(1);
        let lines = blocks.flat_map(|it| it.split("```").next().unwrap_or_default().lines());
        let mut count = 0;
        for line in lines {
            let ours = line.find("backdraft ").filter(|&start| start == 0);
            let run = line
                .strip_prefix("cargo run ")
                .and_then(|it| it.split_once("-- "));
            match (ours, run) {
                (Some(_), _) => understood(line),
                (None, Some((_, arguments))) => understood(&format!("backdraft {arguments}")),
                (None, None) => continue,
            }
            count += 1;
            let files = line.split_whitespace();
            for file in files.filter(|it| it.starts_with("models/") || it.starts_with("crates/")) {
                assert!(root.join(file).exists(), "{line}: there is no {file}");
            }
        }
        assert!(count > 10, "{count} commands were found");
    }

    #[test]
    fn examples_of_the_help_are_understood() {
        let mut count = 0;
        for command in Args::command().get_subcommands() {
            let Some(help) = command.get_after_help() else {
                continue;
            };
            let help = help.to_string();
            let examples = help.lines().map(str::trim);
            for line in examples.filter(|line| line.starts_with("backdraft ")) {
                understood(line);
                count += 1;
            }
        }
        assert!(count > 10, "{count} examples were found");
    }
}
