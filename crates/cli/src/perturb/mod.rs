//! `backdraft perturb`: which change of which training example would mend a query.

mod change;
mod files;
mod find;
mod outcome;
mod range;
mod retrain;
mod run;
mod settings;

use backdraft_models::{Preset, data::Task};

use self::{run::PerturbRun, settings::PerturbSettings};
use super::{
    CliError,
    args::Perturb,
    dampings::default_damping,
    inputs::{Inputs, check_task},
    opening::Opening,
    queries::QueryRows,
};

/// Runs `backdraft perturb`.
pub(super) fn perturb(args: &Perturb) -> Result<(), CliError> {
    let precision = args.solving().precision();
    let dtype = precision.dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("perturb", kind, dataset)?;
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
