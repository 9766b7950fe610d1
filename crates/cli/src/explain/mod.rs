//! `backdraft explain`: train, score, verify, report.

mod bounds;
mod closed_form;
mod dampings;
mod devices;
mod dry_run;
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
mod shards;
mod store;
mod stored;
mod tokens;

pub(super) use self::{
    files::TOP,
    measure::{described, measurement},
    report::{examples, explained},
};

use backdraft_models::{Preset, data::Dataset};

use self::{dry_run::DryRun, run::ExplainRun, settings::ScoreSettings};
use super::{
    CliError,
    args::Explain,
    dampings::default_damping,
    device::Opened,
    groups as weight_groups,
    inputs::{Inputs, check_model},
    opening::Opening,
    progress::Passes,
    queries::{Query, QueryRows, rows},
    query_data,
    run_folder::Shards,
};

/// Runs `backdraft explain`.
pub(super) fn explain(args: &Explain) -> Result<(), CliError> {
    let inputs = inputs(args)?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = queries(args, dataset)?;
    let groups = args.group.as_ref();
    let groups = groups.map(|path| weight_groups::read(path, dataset, "--group"));
    let groups = groups.transpose()?.unwrap_or_default();
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(&damping, &inputs.network)?;
    let parts = parts(args, &inputs, rows(queries.as_ref(), dataset))?;
    if args.large.dry_run {
        let looked = DryRun {
            args,
            inputs: &inputs,
            queries: queries.as_ref(),
            config: &config,
            damping: &damping,
        };
        return looked.run();
    }
    let rows = (queries.as_ref(), &groups[..]);
    let asked = ScoreSettings::of(args, &inputs, rows, &config, &damping).in_parts(parts);
    let (merged, out) = (&args.shards.merge, args.run.folder.out.as_deref());
    let shards = Shards::of(merged, store::KIND, &asked, out)?;
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
            measure: measure::at_token(
                measure::described(args.measure, dataset, network.unit, mean_over),
                args.token,
            ),
            network,
            damping: &damping,
            passes: Passes::default(),
            shards: &shards,
            parts,
        };
        run.run()
    })
}

/// What the run works on.
fn inputs(args: &Explain) -> Result<Inputs, CliError> {
    let dtype = args.precision().dtype();
    let opened = args.devices.open(args.run.compute.device)?;
    let check = |kind, opened: &Opened, dataset: &Dataset| {
        check_model("explain", kind)?;
        tokens::check(args, dataset)?;
        args.measure.check(dataset)?;
        args.precision().check(opened)
    };
    let mut inputs = Inputs::load_to(opened, &args.run, Preset::Quick, dtype, check)?;
    if let Some(path) = &args.large.query_data {
        query_data::take(&mut inputs, &args.run.data, path)?;
    }
    inputs.only(&args.parameters.only)
}

/// In how many parts of the training examples products are made, for so many `rows` of scores. Refuses what processes
/// or devices could not share out.
fn parts(args: &Explain, inputs: &Inputs, rows: usize) -> Result<usize, CliError> {
    let devices = inputs.opened.devices().len();
    shards::check(args, rows, devices)?;
    let solving = args.solving();
    let blocks = rows.div_ceil(solving.unit());
    args.divide
        .parts(devices, (blocks, inputs.dataset.train.rows), &solving)
}

/// The queries that are named; all of data that were given to be asked about.
fn queries(args: &Explain, dataset: &Dataset) -> Result<Option<QueryRows>, CliError> {
    let asked = match (&args.queries, &args.large.query_data) {
        (Some(asked), _) => asked.clone(),
        (None, Some(_)) => vec![Query::Indices(0..=dataset.test.rows.saturating_sub(1))],
        (None, None) => return Ok(None),
    };
    let rows = match args.large.store_scores {
        Some(_) => QueryRows::named(&asked, dataset),
        None => QueryRows::of(&asked, dataset),
    };
    rows.map(Some)
}
