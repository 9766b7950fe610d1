//! `backdraft explain`: train, score, verify, report.

mod run;
mod settings;
mod store;
mod sums;
mod training;

use std::num::NonZeroUsize;

use backdraft_models::{Model, Preset, TrainConfig, quote};

pub(super) use self::store::{Outcome, Response, Solved, Store};
use self::{
    run::Run,
    settings::{Asked, Lissa},
};
use super::{
    CliError,
    args::Explain,
    failure::{Remedy, guarded},
    fingerprint::fingerprint,
    memory::check_network,
    present::unit,
    progress::say,
    queries,
    reading::Reading,
    run_folder::Place,
    setup::{Shape, WRONG_LABELS, announce, check_task, corrupt, damping, network, wrong_labels},
    solve,
};

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let kind: Model = args.model.parse()?;
    let opened = args.device.open()?;
    let kept = args.weights.record()?;
    let mut dataset = args.data.load_for(kept.as_ref())?;
    check_task(kind, &dataset)?;
    let noise = corrupt(
        &mut dataset,
        "--corrupt-labels",
        args.corrupt_labels,
        args.seed,
    )?;
    let queries = match &args.queries {
        Some(asked) => Some(queries::indices(asked, &dataset)?),
        None => None,
    };
    args.precision.check(&opened)?;
    let shape = Shape {
        preset: Preset::Quick,
        hidden: args.hidden.as_deref(),
        activation: args.activation,
        seed: args.seed,
    };
    let (network, loaded) = args
        .weights
        .load(kept, &mut dataset, &opened.device, |dataset| {
            let network = network(shape, kind, dataset)?;
            check_network(shape.wide(), &network, &opened, args.precision.dtype())?;
            Ok(network)
        })?;
    let config = TrainConfig {
        seed: args.seed,
        ..TrainConfig::preset(kind, &dataset)
    };
    let damping = damping(args, kind, &config);
    solve::check(args, damping, &network)?;
    let place = match &args.out {
        Some(out) => Place::Named(out.clone()),
        None => Place::Fresh(format!("{kind}-{}", dataset.name)),
    };
    let asked = Asked {
        model: kind,
        data: args.data.path.display().to_string(),
        target: args.data.target.as_deref(),
        reading: Reading::of(&dataset),
        corrupt_labels: args.corrupt_labels,
        network: &network,
        training: loaded.is_none().then_some(&config),
        weights: loaded.as_ref().map(|loaded| &loaded.file),
        queries: queries.as_deref(),
        damping,
        solver: args.solver.name(),
        tolerance: args.tolerance,
        lissa: Lissa::of(args),
        precision: args.precision.name(),
        products: args.products.name(),
        device: opened.name,
        seed: args.seed,
        fingerprint: fingerprint(&dataset),
    };
    let store = Store::open(&place, &asked, args.overwrite)?;
    announce(
        kind,
        &dataset,
        noise.as_ref(),
        format_args!("device {}, seed {}", opened.name, args.seed),
    );
    if let Place::Fresh(_) = place {
        let path = quote::path(store.folder().path());
        say(format_args!(
            "to {path}; stopped, the same command with --out {path} goes on"
        ));
    }
    if let Some(noise) = &noise {
        let table = wrong_labels(noise, &dataset)?;
        store.folder().write(WRONG_LABELS, table.as_bytes())?;
    }

    let remedy = Remedy {
        option: "--pass",
        examples: args.pass.map_or(kind.pass(), NonZeroUsize::get),
        resumes: true,
    };
    let run = Run {
        args,
        kind,
        dataset: &dataset,
        named: queries.as_deref(),
        unit: unit(kind, &dataset, args.data.target.as_deref()),
        pass: remedy.examples,
        network: &network,
        config: &config,
        loaded: loaded.as_ref(),
        damping,
        store: &store,
        opened,
    };
    let outcome = guarded(remedy, || run.run());
    if outcome.is_err() {
        // The failure is what is to be told.
        let _ = store.abandon_if_empty();
    }
    outcome
}
