//! What a run's options come down to.

use std::fmt::Display;

use backdraft_models::{
    Model, Preset, TrainConfig, ZooConfig,
    data::{Dataset, LabelNoise, Task},
};

use backdraft_report::{OutputError, TrainingFolder};

use super::{
    CliError,
    args::{ActivationName, Explain},
    present::describe,
    progress::say,
    reading::describe_reading,
};

/// The file that lists labels made wrong on purpose.
pub(super) const WRONG_LABELS: &str = TrainingFolder::WRONG_LABELS;

/// Makes the share of labels wrong that `option` asks for.
pub(super) fn corrupt(
    dataset: &mut Dataset,
    option: &'static str,
    fraction: Option<f64>,
    seed: u64,
) -> Result<Option<LabelNoise>, CliError> {
    let noise = fraction.map(|fraction| dataset.corrupt_labels(fraction, seed));
    noise
        .transpose()
        .map_err(|source| CliError::Noise { option, source })
}

/// The file that lists them, with where they stand.
pub(super) fn wrong_labels(noise: &LabelNoise, dataset: &Dataset) -> Result<String, CliError> {
    let refused = |error| OutputError::encode(WRONG_LABELS, error);
    Ok(noise.csv(dataset).map_err(refused)?)
}

/// Says what is about to be done, and `place`, where.
pub(super) fn announce(
    kind: Model,
    dataset: &Dataset,
    noise: Option<&LabelNoise>,
    place: impl Display,
) {
    say(format_args!(
        "{kind} on {}: {}",
        dataset.name,
        describe(dataset)
    ));
    if let Some(inference) = &dataset.inference {
        say(inference);
    }
    describe_reading(dataset);
    if let Some(noise) = noise {
        say(format_args!(
            "{} of {} training labels made wrong: {WRONG_LABELS} tells which",
            noise.changes.len(),
            dataset.train.rows
        ));
    }
    say(place);
}

/// The damping asked for, or the default: for a network enough to keep the response to one removal among a thousand
/// examples near its first order, and the L2 term where that alone makes the problem strongly convex.
pub(super) fn damping(args: &Explain, kind: Model, config: &TrainConfig) -> f64 {
    let default = match kind {
        Model::LogisticRegression => config.weight_decay,
        _ => 0.03,
    };
    args.damping.unwrap_or(default)
}

/// What the options say of a model's shape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'a> {
    pub preset: Preset,
    pub hidden: Option<&'a [usize]>,
    pub activation: Option<ActivationName>,
    pub seed: u64,
}

impl Shape<'_> {
    /// The option that makes a network large.
    pub fn wide(&self) -> &'static str {
        match self.hidden {
            Some(_) => "--hidden",
            None => "--model",
        }
    }
}

/// The model's shape: the preset's, with what the options say.
pub(super) fn network(
    shape: Shape<'_>,
    kind: Model,
    dataset: &Dataset,
) -> Result<ZooConfig, CliError> {
    kind.check(dataset)?;
    let Shape {
        preset,
        hidden,
        activation,
        seed,
    } = shape;
    let refuse = |option, problem: &str| {
        let problem = problem.into();
        Err(CliError::Option { option, problem })
    };
    let mut network = preset.network(kind, dataset).with_seed(seed);
    if let ZooConfig::Mlp(config) = &mut network {
        if let Some(hidden) = hidden {
            config.hidden = hidden.to_vec();
        }
        config.activation = activation.map_or(config.activation, Into::into);
        return Ok(network);
    }
    if hidden.is_some() {
        return refuse(
            "--hidden",
            "is for the mlp: the other models' layers are fixed",
        );
    }
    if activation.is_some() {
        return refuse(
            "--activation",
            "is for the mlp: the other models' functions are fixed",
        );
    }
    Ok(network)
}

/// Refuses text, whose examples have a target at each place, and the autoencoder, whose outputs are no targets.
pub(super) fn check_task(kind: Model, dataset: &Dataset) -> Result<(), CliError> {
    if kind == Model::Autoencoder {
        return Err(CliError::Option {
            option: "--model",
            problem:
                "autoencoder has no loss for a target: explain takes a model that predicts one"
                    .to_owned(),
        });
    }
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
