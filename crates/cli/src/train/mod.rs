//! `backdraft train`: train a model, and go on where an earlier run stopped.

mod earlier;
mod journal;
mod run;
mod settings;
pub(crate) mod state;

use std::{num::NonZeroUsize, path::Path};

use backdraft_models::{
    Model, Optimizer, TrainConfig,
    data::{Task, Unigram},
    evaluate, quote,
};
use burn::tensor::DType;

use self::{earlier::Earlier, run::Run, settings::Settings};
use super::{
    CliError,
    args::Train,
    failure::{Remedy, guarded},
    fingerprint::fingerprint,
    judge::judge,
    memory::check_network,
    options::check_fits,
    progress::say,
    reading::Reading,
    setup::{Shape, WRONG_LABELS, announce, corrupt, network, wrong_labels},
};
use backdraft_report::{Seal, TrainingFolder};

/// Runs `backdraft train`.
pub(super) fn train(args: &Train) -> Result<(), CliError> {
    let kind: Model = args.model.parse()?;
    let opened = args.device.open()?;
    let device = &opened.device;
    let kept = args.weights.record()?;
    let mut dataset = args.data.load_for(kept.as_ref())?;
    let noise = corrupt(
        &mut dataset,
        "--corrupt-labels",
        args.corrupt_labels,
        args.seed,
    )?;
    let preset = args.preset.into();
    let shape = Shape {
        preset,
        hidden: args.hidden.as_deref(),
        activation: args.activation,
        seed: args.seed,
    };
    let (network, loaded) = args.weights.load(kept, &mut dataset, device, |dataset| {
        let network = network(shape, kind, dataset)?;
        check_network(shape.wide(), &network, &opened, DType::F32)?;
        Ok(network)
    })?;
    let training = training(args, preset.training(kind, &dataset))?;
    let data = args.data.path.display().to_string();
    let settings = Settings {
        model: kind,
        data: &data,
        target: args.data.target.as_deref(),
        reading: Reading::of(&dataset),
        preset,
        network: &network,
        training: &training,
        device: opened.name,
        seed: args.seed,
        corrupt_labels: args.corrupt_labels,
        weights: loaded.as_ref().map(|loaded| &loaded.file),
        fingerprint: fingerprint(&dataset),
    };

    // Named after the settings, so that the same command finds what it began.
    let out = match &args.out {
        Some(out) => out.clone(),
        None => Path::new("runs").join(format!(
            "train-{kind}-{}-{preset}-{}",
            dataset.name, args.seed
        )),
    };
    let folder = TrainingFolder::open(&out)?;
    if args.overwrite {
        folder.clear()?;
    }
    let seal = Seal::of(&settings)?;
    let earlier = earlier::earlier(&folder, &settings, &seal)?;
    if let Some(noise) = &noise {
        let table = wrong_labels(noise, &dataset)?;
        folder.write(WRONG_LABELS, table.as_bytes())?;
    }
    let place = format_args!("device {}, seed {}", opened.name, args.seed);
    announce(kind, &dataset, noise.as_ref(), place);
    let baseline = match &dataset.task {
        Task::NextToken { vocabulary } => Unigram::of(&dataset.train, vocabulary.len()),
        _ => None,
    };
    if let Some(perplexity) = baseline.and_then(|unigram| unigram.perplexity(&dataset.test)) {
        say(format_args!(
            "to beat: perplexity {perplexity:.1} on the test part, by the words' frequencies alone"
        ));
    }
    if let Earlier::Ended(summary) = &earlier {
        say(format_args!(
            "{} holds this training, which has ended: {summary}; --overwrite trains anew",
            quote::path(&out)
        ));
        return Ok(());
    }
    let tells = !matches!(dataset.task, Task::NextToken { .. }) && kind != Model::Autoencoder;
    if let Some(loaded) = loaded
        .as_ref()
        .filter(|_| earlier == Earlier::None && tells)
    {
        let measured = evaluate(&loaded.model, &dataset.train, kind.objective(&dataset.task));
        judge(&args.data, loaded, &dataset, &measured)?;
    }
    let model = match &loaded {
        Some(loaded) => loaded.model.clone(),
        None => network.init(device),
    };
    let remedy = Remedy {
        option: "--pass",
        examples: args.pass.map_or(training.batch_size, NonZeroUsize::get),
        resumes: true,
    };
    let run = Run {
        args,
        settings,
        dataset: &dataset,
        model,
        folder,
        seal,
    };
    guarded(remedy, || run.run())
}

/// The preset's settings with what the options say.
fn training(args: &Train, preset: TrainConfig) -> Result<TrainConfig, CliError> {
    if let Optimizer::Lbfgs { .. } = preset.optimizer {
        let given = [
            ("--batch-size", args.batch_size.is_some()),
            ("--learning-rate", args.learning_rate.is_some()),
            ("--pass", args.pass.is_some()),
        ];
        if let Some((option, _)) = given.into_iter().find(|(_, given)| *given) {
            let problem = "is for models trained by batches: L-BFGS takes all examples at once and \
                           searches for its own step";
            return Err(CliError::Option {
                option,
                problem: problem.to_owned(),
            });
        }
    }
    let config = TrainConfig {
        epochs: args.epochs.unwrap_or(preset.epochs),
        batch_size: args.batch_size.unwrap_or(preset.batch_size),
        learning_rate: args.learning_rate.unwrap_or(preset.learning_rate),
        weight_decay: args.weight_decay.unwrap_or(preset.weight_decay),
        seed: args.seed,
        ..preset
    };
    // Before there is a folder with them.
    check_fits("--learning-rate", Some(config.learning_rate), DType::F32)?;
    check_fits("--weight-decay", Some(config.weight_decay), DType::F32)?;
    config.check()?;
    Ok(config)
}
