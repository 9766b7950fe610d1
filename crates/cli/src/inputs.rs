//! What a command works on: the device, the data, the network and its weights, as the options ask.

use std::fmt::Display;

use backdraft_curvature::Model;
use backdraft_models::{
    Architecture, Preset, TrainConfig, Zoo, ZooConfig,
    data::{Dataset, LabelNoise, Task},
};
use burn::tensor::DType;

use backdraft_report::OutputError;

use super::{
    CliError,
    args::RunArgs,
    device::Opened,
    memory::check_network,
    preparation::{describe, describe_preparation},
    progress::say,
    weights::LoadedModel,
    words,
};

/// The file that lists labels made wrong on purpose.
pub(super) const WRONG_LABELS: &str = "wrong-labels.csv";

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
    kind: Architecture,
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
    describe_preparation(dataset);
    if let Some(noise) = noise {
        let (wrong, all) = (noise.changes.len(), dataset.train.rows);
        match words::places(&dataset.train) {
            Some(_) => say(format_args!(
                "a word of {wrong} of {all} training sequences made wrong: {WRONG_LABELS} tells which"
            )),
            None => say(format_args!(
                "{wrong} of {all} training labels made wrong: {WRONG_LABELS} tells which"
            )),
        }
    }
    say(place);
}

/// Refuses the autoencoder, whose outputs are no targets.
pub(super) fn check_model(command: &str, kind: Architecture) -> Result<(), CliError> {
    match kind {
        Architecture::Autoencoder => Err(CliError::Option {
            option: "--model",
            problem: format!(
                "autoencoder has no loss for a target: {command} takes a model that predicts one"
            ),
        }),
        _ => Ok(()),
    }
}

/// Refuses the autoencoder too, and text, whose examples have a target at each place.
pub(super) fn check_task(
    command: &str,
    kind: Architecture,
    dataset: &Dataset,
) -> Result<(), CliError> {
    check_model(command, kind)?;
    match dataset.task {
        Task::NextToken { .. } => Err(CliError::Option {
            option: "--data",
            problem: format!(
                "{} is text: {command} takes examples with one target each, a table or pictures",
                dataset.name
            ),
        }),
        _ => Ok(()),
    }
}

/// A network for some data, with what it takes to begin.
pub(super) struct Inputs {
    pub kind: Architecture,
    pub opened: Opened,
    pub dataset: Dataset,
    /// What was done to the labels, if that was asked for.
    pub noise: Option<LabelNoise>,
    pub network: ZooConfig,
    /// The weights of a file, if one was named.
    pub loaded: Option<LoadedModel>,
    /// Patterns of the parameters that influence is of; none for all.
    pub only: Vec<String>,
}

impl Inputs {
    /// Reads what the options name, for numbers of `dtype`; `check` refuses data as soon as they are read.
    pub fn load(
        args: &RunArgs,
        preset: Preset,
        dtype: DType,
        check: impl FnOnce(Architecture, &Opened, &Dataset) -> Result<(), CliError>,
    ) -> Result<Self, CliError> {
        Self::load_to(args.compute.device.open()?, args, preset, dtype, check)
    }

    /// The same on devices that were opened already.
    pub fn load_to(
        opened: Opened,
        args: &RunArgs,
        preset: Preset,
        dtype: DType,
        check: impl FnOnce(Architecture, &Opened, &Dataset) -> Result<(), CliError>,
    ) -> Result<Self, CliError> {
        let kind = args.model.kind()?;
        let seed = args.compute.seed;
        let kept = args.weights.record()?;
        let mut dataset = args.data.load_for(kept.as_ref())?;
        check(kind, &opened, &dataset)?;
        let noise = corrupt(&mut dataset, "--corrupt-labels", args.corrupt_labels, seed)?;
        let network = |dataset: &mut Dataset| {
            let network = args.model.network(preset, dataset, &opened.device, seed)?;
            check_network(args.model.size_option(), &network, &opened, dtype)?;
            Ok(network)
        };
        let loaded = args
            .weights
            .load(kept, &mut dataset, &opened.device, network);
        let (network, loaded) = loaded?;
        Ok(Self {
            kind,
            opened,
            dataset,
            noise,
            network,
            loaded,
            only: Vec::new(),
        })
    }

    /// The same, for influence of some parameters alone, those whose names match one of `patterns`.
    pub fn only(self, patterns: &[String]) -> Result<Self, CliError> {
        let inputs = Self {
            only: patterns.to_vec(),
            ..self
        };
        let network = inputs.network.init(&inputs.opened.device);
        inputs.model(&network)?;
        Ok(inputs)
    }

    /// `module` as a function of the parameters that influence is of.
    pub fn model(&self, module: &Zoo) -> Result<Model, CliError> {
        let model = Model::new(module, Zoo::forward)?;
        if self.only.is_empty() {
            return Ok(model);
        }
        // Names begin with the architecture's, which is known.
        let first = model.parameters().first();
        let zoo = first.and_then(|it| Some(it.name.split_once('.')?.0));
        let zoo = zoo.map_or_else(String::new, |it| format!("{it}."));
        let patterns = self.only.iter().map(|it| format!("{zoo}{it}"));
        let patterns: Vec<String> = patterns.collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        model.only(&patterns).map_err(|error| CliError::Option {
            option: "--only",
            problem: error.to_string().replace(&zoo, ""),
        })
    }

    /// How the network is trained, if its weights are from no file.
    pub fn training(&self, args: &RunArgs) -> TrainConfig {
        TrainConfig {
            seed: args.compute.seed,
            ..TrainConfig::preset(self.kind, &self.dataset)
        }
    }

    /// The file that lists wrong labels, if there are any.
    pub fn wrong_labels(&self) -> Result<Option<String>, CliError> {
        let noise = self.noise.as_ref();
        noise.map(|it| wrong_labels(it, &self.dataset)).transpose()
    }

    /// Says what is about to be done.
    pub fn announce(&self, args: &RunArgs) {
        let place = format_args!("{}, seed {}", self.opened, args.compute.seed);
        announce(self.kind, &self.dataset, self.noise.as_ref(), place);
    }
}
