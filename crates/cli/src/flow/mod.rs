//! `backdraft flow`: gradient flow with training examples and without them.

mod exact;
mod files;
mod follow;
mod kept;
mod removal;
mod run;
mod settings;

use backdraft_models::{Architecture, Preset};

use self::{run::FlowRun, settings::FlowSettings};
use super::{
    CliError,
    args::{ActivationName, Flow},
    groups::{self, WeightGroup},
    inputs::Inputs,
    opening::Opening,
    progress::say,
    verify,
};

/// Runs `backdraft flow`.
pub(super) fn flow(args: &Flow) -> Result<(), CliError> {
    let args = &smooth(args)?;
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

/// An MLP of which nothing else is asked has smooth units here: the flow of one with kinks slides along them, in very
/// many tiny steps.
fn smooth(args: &Flow) -> Result<Flow, CliError> {
    let mut args = args.clone();
    let is_mlp = args.run.model.kind()? == Architecture::Mlp;
    if is_mlp && args.run.model.activation.is_none() && !args.run.weights.is_given() {
        say(
            "activation tanh, for the flow of rectifiers slides along their kinks; --activation relu has them all the same",
        );
        args.run.model.activation = Some(ActivationName::Tanh);
    }
    Ok(args)
}
