//! `backdraft explain`: train, score, verify, report.

mod bounds;
mod closed_form;
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

pub(super) use self::report::{labels, layout, predictions, target};

use backdraft_models::{
    Architecture, Preset, TrainConfig,
    data::{Dataset, Task},
};

use self::{run::ExplainRun, settings::ScoreSettings};
use super::{
    CliError,
    args::{Damping, Explain},
    failure::guarded,
    groups as weight_groups,
    inputs::{Inputs, WRONG_LABELS},
    quality::unit,
    queries::QueryRows,
    run_folder::{PartsFolder, RunPlace},
};

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let folder = &args.run.folder;
    let dtype = args.precision().dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("explain", kind, dataset)?;
        args.measure.check(dataset)?;
        args.precision().check(opened)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::of(asked, dataset));
    let queries = queries.transpose()?;
    let groups = args.group.as_ref();
    let groups = groups.map(|path| weight_groups::read(path, dataset));
    let groups = groups.transpose()?.unwrap_or_default();
    let config = TrainConfig {
        seed: args.run.compute.seed,
        ..TrainConfig::preset(kind, dataset)
    };
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(&damping, &inputs.network)?;
    let place = RunPlace::of(folder, || format!("{kind}-{}", dataset.name))?;
    let rows = (queries.as_ref(), &groups[..]);
    let asked = ScoreSettings::of(args, &inputs, rows, &config, &damping);
    let store = PartsFolder::open(&place, store::KIND, &asked, folder.overwrite)?;
    inputs.announce(&args.run);
    if let Some(path) = &args.group {
        weight_groups::tell(path, &groups);
    }
    store.announce(&place);
    if let Some(table) = inputs.wrong_labels()? {
        store.folder().write(WRONG_LABELS, table.as_bytes())?;
    }

    let remedy = args.run.model.remedy(kind.pass());
    let unit = unit(kind, dataset, args.run.data.target.as_deref());
    let mean_over = queries.as_ref().and_then(QueryRows::mean_over);
    let run = ExplainRun {
        args,
        inputs: &inputs,
        named: queries.as_ref(),
        groups: &groups,
        measure: measure::described(args.measure, dataset, &unit, mean_over),
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
pub(super) fn default_damping(
    asked: Option<&Damping>,
    kind: Architecture,
    config: &TrainConfig,
) -> Damping {
    let default = || match kind {
        Architecture::LogisticRegression => config.weight_decay,
        _ => 0.03,
    };
    let asked = asked.cloned();
    asked.unwrap_or_else(|| Damping::Given(vec![default()]))
}

/// Refuses text, whose examples have a target at each place, and the autoencoder, whose outputs are no targets.
pub(super) fn check_task(
    command: &str,
    kind: Architecture,
    dataset: &Dataset,
) -> Result<(), CliError> {
    if kind == Architecture::Autoencoder {
        return Err(CliError::Option {
            option: "--model",
            problem: format!(
                "autoencoder has no loss for a target: {command} takes a model that predicts one"
            ),
        });
    }
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
