//! `backdraft audit`: which labels of the training examples are wrong.

mod corrections;
mod files;
mod parts;
mod retrain;
mod run;
mod settings;
mod suspects;
mod text;

use backdraft_models::{Objective, Preset, data::Dataset};
use burn::tensor::DType;

pub(super) use self::parts::BLOCK;

use self::{corrections::Corrections, run::AuditRun, settings::AuditSettings};
use super::{
    CliError,
    args::Audit,
    dampings::default_damping,
    device::Opened,
    inputs::{Inputs, check_model},
    opening::Opening,
    run_folder::Shards,
    words::places,
};

/// Runs `backdraft audit`.
pub(super) fn audit(args: &Audit) -> Result<(), CliError> {
    let opened = args.devices.open(args.run.compute.device)?;
    let check = |kind, _: &Opened, dataset: &Dataset| {
        if dataset.loss == Some(Objective::Poisson) {
            return Err(CliError::Option {
                option: "--loss",
                problem: "poisson gives logarithmic rates, and audit compares outputs with targets: it takes other losses"
                    .into(),
            });
        }
        check_model("audit", kind)?;
        match places(&dataset.train) {
            Some(_) => args.check_text(),
            None => Ok(()),
        }
    };
    let inputs = Inputs::load_to(opened, &args.run, Preset::Quick, DType::F32, check)?;
    let inputs = inputs.only(&args.parameters.only)?;
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), inputs.kind, &config);
    args.check(&damping)?;
    let fix = args.fix.as_ref();
    let corrections = fix.map(|path| Corrections::read(path, &inputs.dataset));
    let corrections = corrections.transpose()?;
    let asked = AuditSettings::of(args, &inputs, corrections.as_ref(), &config, &damping);
    let rows = inputs.dataset.train.rows;
    let of_text = places(&inputs.dataset.train).is_some();
    args.shards
        .check(parts::count(rows, args, of_text), || {
            let own = match parts::has_own(of_text, args.by(of_text)) {
                true => ", one is self-influence",
                false => "",
            };
            format!(
                "one is what the examples do to the test set{own}, and each block of {} examples is one, of {rows}; a smaller \
                 --block makes more",
                args.block()
            )
        })?;
    let (merged, out) = (&args.shards.merge, args.run.folder.out.as_deref());
    let shards = Shards::of(merged, files::KIND, &asked, out)?;
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "audit-",
    };
    opening.run(&asked, |network| {
        let run = AuditRun {
            args,
            network,
            corrections: corrections.as_ref(),
            damping: &damping,
            shards: &shards,
        };
        run.run()
    })
}
