//! `backdraft perturb`: which change of which training example would mend a query.

mod change;
mod files;
mod find;
mod outcome;
mod range;
mod retrain;
mod run;
mod settings;

use backdraft_models::{
    Preset,
    data::{Dataset, Task},
};

use self::{run::PerturbRun, settings::PerturbSettings};
use super::{
    CliError,
    args::Perturb,
    dampings::default_damping,
    inputs::{Inputs, check_model},
    opening::Opening,
    queries::QueryRows,
};

/// Runs `backdraft perturb`.
pub(super) fn perturb(args: &Perturb) -> Result<(), CliError> {
    let precision = args.solving().precision();
    let dtype = precision.dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_model("perturb", kind)?;
        check_numbers(dataset)?;
        precision.check(opened)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::each_of(asked, dataset, "perturb"));
    let queries = queries.transpose()?;
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(&damping, &inputs.network, dataset.task == Task::Regression)?;
    let asked = PerturbSettings::of(args, &inputs, queries.as_ref(), &config, &damping);
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "perturb-",
    };
    opening.run(&asked, |network| {
        let run = PerturbRun {
            args,
            network,
            named: queries.as_ref(),
            damping: &damping,
        };
        run.run()
    })
}

/// Refuses text: its tokens have no values between them, and its sequences no label of their own.
fn check_numbers(dataset: &Dataset) -> Result<(), CliError> {
    match dataset.task {
        Task::NextToken { .. } => Err(CliError::Option {
            option: "--data",
            problem: format!(
                "{} is text: perturb moves inputs a little and gives examples another label, and a token is no number that \
                 could be a little larger, nor has a sequence one label. Which other words would change a query, the library \
                 tells: `Perturbations::replaced`",
                dataset.name
            ),
        }),
        _ => Ok(()),
    }
}
