//! `backdraft path`: the way from the network with training examples to that without them.

mod files;
mod follow;
mod run;
mod settings;

use backdraft_models::Preset;
use burn::tensor::DType;

use self::{run::PathsRun, settings::PathSettings};
use super::{
    CliError,
    args::FollowPaths,
    dampings::default_damping,
    groups::{self, WeightGroup},
    inputs::{Inputs, check_task},
    opening::Opening,
    queries::{QueryRows, training_examples},
};

/// Runs `backdraft path`.
pub(super) fn path(args: &FollowPaths) -> Result<(), CliError> {
    let inputs = Inputs::load(&args.run, Preset::Quick, DType::F64, |kind, _, dataset| {
        check_task("path", kind, dataset)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::each_of(asked, dataset, "path"));
    let queries = queries.transpose()?;
    let groups = asked(args, &inputs)?;
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), kind, &config);
    args.check(kind, &damping)?;
    let asked = PathSettings::of(
        args,
        &inputs,
        (queries.as_ref(), &groups),
        &config,
        &damping,
    );
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "path-",
    };
    opening.run(&asked, |network| {
        if let Some(path) = &args.group {
            groups::tell(path, &groups);
        }
        let run = PathsRun {
            args,
            network,
            named: queries.as_ref(),
            groups: &groups,
            damping: &damping,
        };
        run.run()
    })
}

/// The examples and groups that were asked for, none if none were.
fn asked(args: &FollowPaths, inputs: &Inputs) -> Result<Vec<WeightGroup>, CliError> {
    if let Some(path) = &args.group {
        return groups::read(path, &inputs.dataset, "--group");
    }
    let asked = args.examples.as_deref().unwrap_or_default();
    let examples = training_examples(asked, &inputs.dataset)?;
    Ok(examples.into_iter().map(removed).collect())
}

/// The removal of one training example.
fn removed(example: usize) -> WeightGroup {
    WeightGroup {
        name: format!("train {example}"),
        changes: vec![(example, -1.0)],
    }
}
