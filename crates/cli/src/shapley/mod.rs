//! `backdraft shapley`: what training examples are worth.

mod columns;
mod examples;
mod files;
mod players;
mod retraining;
mod run;
mod settings;

use backdraft_models::Preset;
use burn::tensor::DType;

use self::{
    examples::{Examples, loaded},
    players::Players,
    run::ShapleyRun,
    settings::ShapleySettings,
};
use super::{
    CliError, args::Shapley, dampings::default_damping, inputs::check_task, opening::Opening,
    run_folder::check_folder,
};

/// Runs `backdraft shapley`.
pub(super) fn shapley(args: &Shapley) -> Result<(), CliError> {
    let inputs = loaded(args, Preset::Quick, DType::F32, |kind, _, dataset| {
        check_task("shapley", kind, dataset)
    })?;
    let config = inputs.training(&args.run);
    let damping = default_damping(args.damping.as_ref(), inputs.kind, &config);
    args.check(&damping)?;
    let performance = args.performance(&inputs.dataset)?;
    let players = Players::of(args, &inputs)?;
    args.check_players(players.count(), inputs.dataset.train.rows)?;
    let examples = Examples::of(args, &inputs)?;
    let asked = ShapleySettings::of(args, &inputs, &config, &damping, &players);
    // Values tell by digests of which network they are, so that parts may have trained theirs each.
    args.merge
        .iter()
        .try_for_each(|part| check_folder(part, files::KIND, &asked))?;
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "shapley-",
    };
    opening.run(&asked, |network| {
        let run = ShapleyRun {
            args,
            network,
            performance,
            players: &players,
            examples: &examples,
            damping: &damping,
        };
        run.run()
    })
}
