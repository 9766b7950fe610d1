//! `backdraft mislabel`: how soon influence finds wrong labels.

use std::collections::BTreeMap;

use backdraft_models::{Model, per_example_losses};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    args::Mislabelling,
    lab::Lab,
    plan::{Prepared, Wish, prepare},
    points::{Answers, open, show},
    stage::{Stage, StageError},
    store::Store,
};
use crate::{CliError, args::SolverName};
use backdraft_report::{Record, experiment::Findings};
use backdraft_report::{
    brief,
    experiment::{Mislabel, Ranking},
};

/// Of the order at random.
const STREAM: u64 = 4;

/// What is known of one training example.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Suspicion {
    example: usize,
    /// The predicted change of its own loss when it is removed.
    influence: f64,
    /// The change under the proximal Bregman response.
    pbrf: f64,
    /// Whether the influence estimate's residual is within the solver's tolerance.
    solved: bool,
}

/// Runs `backdraft mislabel`.
pub(crate) fn mislabel(args: &Mislabelling) -> Result<(), CliError> {
    if args.common.model.kind()? == Model::Autoencoder {
        return Err(CliError::Option {
            option: "--model",
            problem: "autoencoder has no use for labels: mislabel takes a model that predicts them"
                .to_owned(),
        });
    }
    let wish = Wish {
        command: "mislabel",
        tests: 0,
        corrupt_labels: Some(args.corrupt),
        removed: None,
        solver: SolverName::Cg,
        tolerance: Some(0.01),
        sweep: false,
    };
    let prepared = prepare(&args.common, wish)?;
    let wrong = prepared.wrong();
    if wrong.is_empty() {
        return Err(CliError::Option {
            option: "--corrupt",
            problem: format!(
                "is {}: it makes no label wrong, and there is nothing to find",
                brief(args.corrupt)
            ),
        });
    }
    let store = open(&args.common, &prepared)?;
    match rankings(args, &wrong, &prepared, &store)? {
        Some(it) => show(
            &store,
            Mislabel::FILE,
            &it.to_json()?,
            &it.to_html(&store.title())?,
            &it.to_table(),
        ),
        None => Ok(()),
    }
}

/// The rankings, if no examples are left to other parts.
fn rankings(
    args: &Mislabelling,
    wrong: &[usize],
    prepared: &Prepared,
    store: &Store,
) -> Result<Option<Mislabel>, CliError> {
    let lab = Lab::new(prepared, store)?;
    let losses = per_example_losses(&lab.base, &lab.dataset.train, lab.objective);
    let measure = |answers: &mut Answers<'_, '_>| -> Result<Suspicion, StageError> {
        let example = answers.removed()[0];
        let one = lab.responses.cost().select(&[example])?;
        let estimate = answers.estimate()?;
        let along = one.directional_derivatives(estimate.change)?;
        let influence = along.into_scalar::<f64>();
        let response = answers.fresh(Stage::Pbrf)?;
        let split = lab.dataset.train.select(&[example]);
        let pbrf = per_example_losses(&response, &split, lab.objective)[0] - losses[example];
        if !(influence.is_finite() && pbrf.is_finite()) {
            return Err(StageError::Point("its own loss is not finite".to_owned()));
        }
        Ok(Suspicion {
            example,
            influence,
            pbrf,
            solved: estimate.solved,
        })
    };
    lab.with_solver(|solver, method| {
        let Some((found, failed)) = lab.points(args.common.shard, solver, measure)? else {
            return Ok(None);
        };
        let n = lab.dataset.train.rows;
        let scores = |of: fn(&Suspicion) -> f64| {
            let mut scores = vec![f64::NAN; n];
            for it in &found {
                scores[it.example] = of(it);
            }
            Ranking::of(scores, wrong)
        };
        let mut rng = ChaCha8Rng::seed_from_u64(lab.plan.seed);
        rng.set_stream(STREAM);
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        let rankings = BTreeMap::from([
            ("influence".to_owned(), scores(|it| it.influence)),
            ("pbrf".to_owned(), scores(|it| it.pbrf)),
            ("loss".to_owned(), Ranking::of(losses.clone(), wrong)),
            ("random".to_owned(), Ranking::random(order, wrong)),
        ]);
        Ok(Some(Mislabel {
            setup: lab.setup(method),
            failed,
            unsolved: found.iter().filter(|it| !it.solved).count(),
            corrupt: args.corrupt,
            wrong: wrong.to_vec(),
            rankings,
        }))
    })
}
