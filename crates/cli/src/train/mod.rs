//! `backdraft train`: train a model, and go on where an earlier run stopped.

mod folder;
mod journal;
mod run;
mod settings;
pub(crate) mod state;

use backdraft_models::{
    Architecture, TrainConfig,
    data::{Dataset, Task, Unigram},
    evaluate, quote,
};
use burn::tensor::DType;

use self::{
    folder::{KIND, ended},
    run::TrainRun,
    settings::TrainSettings,
};
use super::{
    CliError,
    args::Train,
    failure::guarded,
    fingerprint::fingerprint,
    inputs::{Inputs, WRONG_LABELS},
    preparation::Preparation,
    progress::say,
    run_folder::{RunFolder, RunPlace},
    weights::scaling::check_scaling,
};

/// Runs `backdraft train`.
pub(super) fn train(args: &Train) -> Result<(), CliError> {
    let preset = args.training.preset.into();
    let inputs = Inputs::load(&args.run, preset, DType::F32, |_, _, _| Ok(()))?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let training = training(args, preset.training(kind, dataset))?;
    let seed = args.run.compute.seed;
    let data = args.run.data.path.display().to_string();
    let settings = TrainSettings {
        model: kind,
        data: &data,
        target: args.run.data.target.as_deref(),
        reading: Preparation::of(dataset),
        preset,
        network: &inputs.network,
        training: &training,
        device: inputs.opened.name,
        seed,
        corrupt_labels: args.run.corrupt_labels,
        weights: inputs.loaded.as_ref().map(|loaded| &loaded.file),
        fingerprint: fingerprint(dataset),
    };

    // Named after the settings, so that the same command finds what it began.
    let name = format!("train-{kind}-{}-{preset}-{seed}", dataset.name);
    let place = RunPlace::Named(args.run.folder.out_or(name));
    let folder = RunFolder::open(&place, KIND, &settings, args.run.folder.overwrite)?;
    let ended = ended(&folder, &settings)?;
    if let Some(table) = inputs.wrong_labels()? {
        folder.write(WRONG_LABELS, table.as_bytes())?;
    }
    inputs.announce(&args.run);
    tell_baseline(dataset);
    if let Some(summary) = ended {
        say(format_args!(
            "{} holds this training, which has ended: {summary}; --overwrite trains anew",
            quote::path(folder.path())
        ));
        return Ok(());
    }
    if folder.is_new() {
        check_weights(args, &inputs)?;
    }
    let remedy = args.run.model.remedy(training.batch_size);
    let run = TrainRun {
        args,
        settings,
        dataset,
        model: match &inputs.loaded {
            Some(loaded) => loaded.model.clone(),
            None => inputs.network.init(&inputs.opened.device),
        },
        folder,
    };
    guarded(remedy, || run.run())
}

/// The preset's settings with what the options say.
fn training(args: &Train, preset: TrainConfig) -> Result<TrainConfig, CliError> {
    let by_batches = [
        ("--batch-size", args.batch_size.is_some()),
        ("--learning-rate", args.learning_rate.is_some()),
        ("--pass", args.run.model.pass.is_some()),
    ];
    let preset = TrainConfig {
        batch_size: args.batch_size.unwrap_or(preset.batch_size),
        learning_rate: args.learning_rate.unwrap_or(preset.learning_rate),
        seed: args.run.compute.seed,
        ..preset
    };
    args.training.config(preset, &by_batches, DType::F32)
}

/// Says what a model of text has to do better than.
fn tell_baseline(dataset: &Dataset) {
    let Task::NextToken { vocabulary } = &dataset.task else {
        return;
    };
    let unigram = Unigram::of(&dataset.train, vocabulary.len());
    if let Some(perplexity) = unigram.and_then(|unigram| unigram.perplexity(&dataset.test)) {
        say(format_args!(
            "to beat: perplexity {perplexity:.1} on the test part, by the words' frequencies alone"
        ));
    }
}

/// Says how well weights from a file do before they are trained further.
fn check_weights(args: &Train, inputs: &Inputs) -> Result<(), CliError> {
    let Inputs { kind, dataset, .. } = inputs;
    let tells =
        !matches!(dataset.task, Task::NextToken { .. }) && *kind != Architecture::Autoencoder;
    match &inputs.loaded {
        Some(loaded) if tells => {
            let objective = kind.objective(dataset);
            let measured = evaluate(&loaded.model, &dataset.train, objective);
            check_scaling(&args.run.data, loaded, dataset, &measured)
        }
        _ => Ok(()),
    }
}
