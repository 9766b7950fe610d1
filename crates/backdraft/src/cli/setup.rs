//! What a run's options come down to.

use std::path::{Path, PathBuf};

use backdraft_models::{
    Model, TrainConfig, ZooConfig,
    data::{Dataset, Task},
};

use super::{CliError, args::Explain};

/// The damping asked for, or the default: for a network enough to keep the response to one removal among a thousand examples
/// near its first order, and the L2 term where that alone makes the problem strongly convex.
pub(super) fn damping(args: &Explain, kind: Model, config: &TrainConfig) -> Result<f64, CliError> {
    let default = match kind {
        Model::Mlp => 0.03,
        Model::LogisticRegression => config.weight_decay,
    };
    let damping = args.damping.unwrap_or(default);
    if damping > 0.0 && damping.is_finite() {
        return Ok(damping);
    }
    Err(CliError::Option {
        option: "--damping",
        problem: format!("is {damping}: it must be positive and finite"),
    })
}

/// The model's shape: the preset's, with what the options say.
pub(super) fn network(
    args: &Explain,
    kind: Model,
    dataset: &Dataset,
) -> Result<ZooConfig, CliError> {
    let refuse = |option, problem: &str| {
        let problem = problem.into();
        Err(CliError::Option { option, problem })
    };
    let mut network = ZooConfig::preset(kind, dataset).with_seed(args.seed);
    match &mut network {
        ZooConfig::Mlp(config) => {
            if let Some(hidden) = &args.hidden {
                if hidden.contains(&0) {
                    return refuse(
                        "--hidden",
                        "has a width of 0: a layer needs at least one unit",
                    );
                }
                config.hidden.clone_from(hidden);
            }
            config.activation = args.activation.map_or(config.activation, Into::into);
        }
        ZooConfig::LogisticRegression(_) => {
            if args.hidden.is_some() {
                return refuse(
                    "--hidden",
                    "is for the mlp: a logistic regression has no hidden layers",
                );
            }
            if args.activation.is_some() {
                return refuse(
                    "--activation",
                    "is for the mlp: a logistic regression has none",
                );
            }
        }
    }
    Ok(network)
}

/// Refuses text, whose examples have a target at each place.
pub(super) fn check_task(dataset: &Dataset) -> Result<(), CliError> {
    match dataset.task {
        Task::NextToken { .. } => Err(CliError::Option {
            option: "--data",
            problem: format!(
                "{} is text: explain takes examples with one target each, a table or pictures",
                dataset.name
            ),
        }),
        _ => Ok(()),
    }
}

/// Refuses a query that is not in the test set.
pub(super) fn check_queries(args: &Explain, dataset: &Dataset) -> Result<(), CliError> {
    let len = dataset.test.rows;
    match args.queries.iter().flatten().find(|&&index| index >= len) {
        Some(&index) => Err(CliError::Query {
            index,
            name: dataset.name.clone(),
            len,
        }),
        None => Ok(()),
    }
}

/// A folder below `runs` that is not there yet.
pub(super) fn fresh(name: &str) -> PathBuf {
    let numbered = |i: usize| Path::new("runs").join(format!("{name}-{i}"));
    (1..)
        .map(numbered)
        .find(|path| !path.exists())
        .unwrap_or_else(|| numbered(0))
}
