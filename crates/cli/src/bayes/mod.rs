//! `backdraft bayes`: influence as a covariance over a posterior about the weights.

mod compare;
mod files;
mod run;
mod sample;
mod settings;

use backdraft_models::{Architecture, Preset};

use self::{run::BayesRun, settings::BayesSettings};
use super::{
    CliError,
    args::{Bayes, Damping},
    dampings::default_damping,
    explain::described,
    inputs::{Inputs, check_task},
    opening::Opening,
    queries::QueryRows,
};

/// The matched damping of networks, where no option says otherwise.
const DAMPING: f64 = 0.3;

/// Runs `backdraft bayes`.
pub(super) fn bayes(args: &Bayes) -> Result<(), CliError> {
    let precision = args.solving().precision();
    let dtype = precision.dtype();
    let inputs = Inputs::load(&args.run, Preset::Quick, dtype, |kind, opened, dataset| {
        check_task("bayes", kind, dataset)?;
        args.measure.check(dataset)?;
        precision.check(opened)
    })?;
    let (kind, dataset) = (inputs.kind, &inputs.dataset);
    let queries = args.queries.as_ref();
    let queries = queries.map(|asked| QueryRows::of(asked, dataset));
    let queries = queries.transpose()?;
    let config = inputs.training(&args.run);
    let damping = match args.localisation {
        Some(it) => Damping::Given(vec![it / args.temperature(dataset.train.rows)]),
        None => args.damping.clone().unwrap_or_else(|| match kind {
            // As explain has it.
            Architecture::LogisticRegression => default_damping(None, kind, &config),
            // Of less, chains take too many steps to forget where they were.
            _ => Damping::Given(vec![DAMPING]),
        }),
    };
    args.check(&damping, &inputs.network)?;
    let asked = BayesSettings::of(args, &inputs, queries.as_ref(), &config, &damping);
    let opening = Opening {
        run: &args.run,
        inputs: &inputs,
        config: &config,
        kind: files::KIND,
        prefix: "bayes-",
    };
    opening.run(&asked, |network| {
        let mean_over = queries.as_ref().and_then(QueryRows::mean_over);
        let run = BayesRun {
            args,
            named: queries.as_ref(),
            measure: described(args.measure, dataset, network.unit, mean_over),
            network,
            damping: &damping,
        };
        run.run()
    })
}
