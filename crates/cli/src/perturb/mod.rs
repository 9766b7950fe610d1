//! `backdraft perturb`: which change of which training example would mend a query.

mod change;
mod files;
mod find;
mod outcome;
mod range;
mod retrain;
mod run;
mod settings;

use backdraft_models::{Preset, TrainConfig, data::Task};

use self::{run::PerturbRun, settings::PerturbSettings};
use super::{
    CliError,
    args::Perturb,
    explain::{check_task, default_damping},
    failure::guarded,
    inputs::{Inputs, WRONG_LABELS},
    quality::unit,
    queries::QueryRows,
    run_folder::{PartsFolder, RunPlace},
};

/// Runs `backdraft perturb`.
pub(super) fn perturb(args: &Perturb) -> Result<(), CliError> {
    let folder = &args.run.folder;
    let precision = args.solving().precision();
    let dtype = precision.dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("perturb", kind, dataset)?;
        precision.check(opened)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::of(asked, dataset));
    let queries = queries.transpose()?;
    check_each(queries.as_ref())?;
    let config = TrainConfig {
        seed: args.run.compute.seed,
        ..TrainConfig::preset(kind, dataset)
    };
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(&damping, &inputs.network, dataset.task == Task::Regression)?;
    let place = RunPlace::of(folder, || format!("perturb-{kind}-{}", dataset.name))?;
    let asked = PerturbSettings::of(args, &inputs, queries.as_ref(), &config, &damping);
    let store = PartsFolder::open(&place, files::KIND, &asked, folder.overwrite)?;
    inputs.announce(&args.run);
    store.announce(&place);
    if let Some(table) = inputs.wrong_labels()? {
        store.folder().write(WRONG_LABELS, table.as_bytes())?;
    }

    let remedy = args.run.model.remedy(kind.pass());
    let run = PerturbRun {
        args,
        inputs: &inputs,
        named: queries.as_ref(),
        unit: unit(kind, dataset, args.run.data.target.as_deref()),
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

/// Refuses the mean over all test examples: what would mend one is no answer for another.
fn check_each(queries: Option<&QueryRows>) -> Result<(), CliError> {
    match queries.and_then(QueryRows::mean_over) {
        None => Ok(()),
        Some(examples) => Err(CliError::Option {
            option: "--queries",
            problem: format!(
                "all is the mean over the test set, and perturb asks about one example at a time: take 0-{} for each",
                examples.saturating_sub(1)
            ),
        }),
    }
}
