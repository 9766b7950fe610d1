//! `backdraft explain`: train, score, verify, report.

mod bounds;
mod checksums;
mod dampings;
mod files;
mod groups;
mod leverage;
mod measure;
mod newton;
mod report;
mod run;
mod scoring;
mod self_influence;
mod settings;
mod store;
mod training;

use backdraft_models::{
    Architecture, Preset, TrainConfig,
    data::{Dataset, Task},
    quote,
};

pub(super) use self::store::{ExplainFolder, Solved};
use self::{run::ExplainRun, settings::ScoreSettings};
use super::{
    CliError,
    args::{Damping, Explain},
    failure::guarded,
    groups as weight_groups,
    inputs::{Inputs, WRONG_LABELS},
    progress::say,
    quality::unit,
    queries::QueryRows,
    run_folder::RunPlace,
};

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let folder = &args.run.folder;
    if folder.overwrite && folder.out.is_none() {
        return Err(CliError::Option {
            option: "--overwrite",
            problem: "replaces the run in a folder: name it with --out, for without that explain takes a new one"
                .to_owned(),
        });
    }
    let dtype = args.precision().dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task(kind, dataset)?;
        args.measure.check(dataset)?;
        args.precision().check(opened)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = match &args.queries {
        Some(asked) => Some(QueryRows::of(asked, dataset)?),
        None => None,
    };
    let groups = match &args.group {
        Some(path) => weight_groups::read(path, dataset)?,
        None => Vec::new(),
    };
    let config = TrainConfig {
        seed: args.run.compute.seed,
        ..TrainConfig::preset(kind, dataset)
    };
    let damping = damping(args, kind, &config);
    args.check(&damping, &inputs.network)?;
    let place = match &folder.out {
        Some(out) => RunPlace::Named(out.clone()),
        None => RunPlace::Fresh(format!("{kind}-{}", dataset.name)),
    };
    let asked = ScoreSettings::of(
        args,
        &inputs,
        (queries.as_ref(), &groups),
        &config,
        &damping,
    );
    let store = ExplainFolder::open(&place, &asked, folder.overwrite)?;
    inputs.announce(&args.run);
    if let Some(path) = &args.group {
        weight_groups::tell(path, &groups);
    }
    if let RunPlace::Fresh(_) = place {
        let path = quote::path(store.folder().path());
        say(format_args!(
            "to {path}; stopped, the same command with --out {path} goes on"
        ));
    }
    if let Some(table) = inputs.wrong_labels()? {
        store.folder().write(WRONG_LABELS, table.as_bytes())?;
    }

    let remedy = args.run.model.remedy(kind.pass());
    let unit = unit(kind, dataset, args.run.data.target.as_deref());
    let measure = measure::described(args.measure, dataset, &unit);
    let run = ExplainRun {
        args,
        inputs: &inputs,
        named: queries.as_ref(),
        groups: &groups,
        measure: match queries.as_ref().and_then(QueryRows::mean_over) {
            Some(examples) => measure.mean(examples),
            None => measure,
        },
        unit,
        pass: remedy.examples,
        config: &config,
        damping: &damping,
        store: &store,
    };
    let outcome = guarded(remedy, || run.run());
    if outcome.is_err() {
        // The failure is what is to be told.
        let _ = store.abandon_if_empty();
    }
    outcome
}

/// The damping asked for, or the default: for a network enough to keep the response to one removal among a thousand
/// examples near its first order, and the L2 term where that alone makes the problem strongly convex.
fn damping(args: &Explain, kind: Architecture, config: &TrainConfig) -> Damping {
    let default = || match kind {
        Architecture::LogisticRegression => config.weight_decay,
        _ => 0.03,
    };
    let asked = args.damping.clone();
    asked.unwrap_or_else(|| Damping::Given(vec![default()]))
}

/// Refuses text, whose examples have a target at each place, and the autoencoder, whose outputs are no targets.
fn check_task(kind: Architecture, dataset: &Dataset) -> Result<(), CliError> {
    if kind == Architecture::Autoencoder {
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
