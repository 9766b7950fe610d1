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

pub(super) use self::{
    files::TOP,
    measure::{described, measurement},
    report::{examples, explained},
};

use backdraft_models::Preset;

use self::{run::ExplainRun, settings::ScoreSettings};
use super::{
    CliError,
    args::Explain,
    dampings::default_damping,
    groups as weight_groups,
    inputs::{Inputs, check_task},
    opening::Opening,
    queries::QueryRows,
};

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let dtype = args.precision().dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("explain", kind, dataset)?;
        args.measure.check(dataset)?;
        args.precision().check(opened)
    })?;
    let inputs = inputs.only(&args.parameters.only)?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::of(asked, dataset));
    let queries = queries.transpose()?;
    let groups = args.group.as_ref();
    let groups = groups.map(|path| weight_groups::read(path, dataset, "--group"));
    let groups = groups.transpose()?.unwrap_or_default();
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(&damping, &inputs.network)?;
    let rows = (queries.as_ref(), &groups[..]);
    let asked = ScoreSettings::of(args, &inputs, rows, &config, &damping);
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: store::KIND,
        prefix: "",
    };
    opening.run(&asked, |network| {
        if let Some(path) = &args.group {
            weight_groups::tell(path, &groups);
        }
        let mean_over = queries.as_ref().and_then(QueryRows::mean_over);
        let run = ExplainRun {
            args,
            named: queries.as_ref(),
            groups: &groups,
            measure: measure::described(args.measure, dataset, network.unit, mean_over),
            network,
            damping: &damping,
        };
        run.run()
    })
}
