//! `backdraft unlearn`: what a network becomes that is to forget some training examples, beside one that never saw
//! them.

mod descents;
mod files;
mod forgotten;
mod networks;
mod regularity;
mod run;
mod settings;
mod training;

use backdraft_curvature::Model;
use backdraft_models::{Preset, Zoo};

use self::{forgotten::forgotten, run::UnlearnRun, settings::UnlearnSettings, training::training};
use super::{
    CliError,
    args::Unlearn,
    dampings::default_damping,
    inputs::{Inputs, check_task},
    opening::Opening,
};

/// Runs `backdraft unlearn`.
pub(super) fn unlearn(args: &Unlearn) -> Result<(), CliError> {
    let precision = args.solving().precision();
    let dtype = precision.dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("unlearn", kind, dataset)?;
        precision.check(opened)
    })?;
    check_statistics(&inputs)?;
    let regularity = regularity::regularity(args, &inputs);
    let config = training(args, &inputs)?;
    let damping = default_damping(args.damping.as_ref(), inputs.kind, &config);
    args.check(&damping, &inputs.network)?;
    let forgotten = forgotten(args, &inputs.dataset)?;
    let asked = UnlearnSettings::of(args, &inputs, &config, &damping, &forgotten);
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "unlearn-",
    };
    opening.run(&asked, |network| {
        let run = UnlearnRun {
            args,
            network,
            damping: &damping,
            regularity,
            forgotten: &forgotten,
        };
        run.run()
    })
}

/// Refuses running statistics, which gradients of a cost leave as they are.
fn check_statistics(inputs: &Inputs) -> Result<(), CliError> {
    let network = inputs.network.init(&inputs.opened.device);
    let model = Model::new(&network, Zoo::forward)?;
    match model.state_dim() == model.dim() {
        true => Ok(()),
        false => Err(CliError::Option {
            option: "--model",
            problem: format!(
                "{} normalises batches, which plain gradients of the cost know nothing of: take one that does not",
                inputs.kind
            ),
        }),
    }
}
