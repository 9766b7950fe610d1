//! `backdraft flow`: gradient flow with training examples and without them.

mod exact;
mod files;
mod follow;
mod kept;
mod removal;
mod run;
mod settings;

use backdraft_models::Preset;

use self::{run::FlowRun, settings::FlowSettings};
use super::{
    CliError,
    args::Flow,
    groups::{self, WeightGroup},
    inputs::Inputs,
    opening::Opening,
    verify,
};

/// Runs `backdraft flow`.
pub(super) fn flow(args: &Flow) -> Result<(), CliError> {
    let dtype = verify::place(&args.run.compute.device.open()?.device).1;
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |_, _, dataset| {
        args.check(dataset.train.rows)
    })?;
    let path = args.group.as_ref();
    let groups = path.map(|path| groups::read(path, &inputs.dataset, "--group"));
    let groups: Vec<WeightGroup> = groups.transpose()?.unwrap_or_default();
    let config = inputs.training(&args.run);
    let asked = FlowSettings::of(args, &inputs, &config, &groups);
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "flow-",
    };
    opening.run(&asked, |network| {
        if let Some(path) = path {
            groups::tell(path, &groups);
        }
        let run = FlowRun {
            args,
            network,
            groups: &groups,
            asked: &asked,
        };
        run.run()
    })
}
