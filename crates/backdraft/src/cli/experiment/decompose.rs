//! `backdraft decompose`: where an influence estimate and retraining part ways.

use backdraft_curvature::Loss;
use backdraft_models::output_distance;

use super::{
    args::{Common, Decompose, Removed},
    lab::Lab,
    plan::{Prepared, Wish, prepare},
    points::{Answers, open, show},
    stage::{Stage, StageError},
    store::Store,
};
use crate::{
    cli::{
        CliError,
        args::SolverName,
        losses::{TargetsOf, WithLoss, with_loss},
    },
    output::experiment::{Decomposition, Gaps, PointGaps},
};

/// From retraining to the estimate.
const STAGES: [Stage; 6] = [
    Stage::ColdStart,
    Stage::WarmStart,
    Stage::Proximal,
    Stage::Pbrf,
    Stage::Linearized,
    Stage::Influence,
];

/// Runs `backdraft decompose`.
pub(in crate::cli) fn decompose(args: &Decompose) -> Result<(), CliError> {
    let prepared = prepare(&args.common, wish(args.removed))?;
    let store = open(&args.common, &prepared)?;
    match decomposition(&args.common, &prepared, &store)? {
        Some(it) => show(
            &store,
            Decomposition::FILE,
            &it.to_json()?,
            &it.to_html(&store.title())?,
            &it.to_table(),
        ),
        None => Ok(()),
    }
}

/// What a decomposition asks of a plan.
pub(super) fn wish(removed: Removed) -> Wish {
    Wish {
        command: "decompose",
        tests: 0,
        corrupt_labels: None,
        removed: Some(removed),
        solver: SolverName::Lissa,
    }
}

/// The decomposition, if no removals are left to other parts.
pub(super) fn decomposition(
    args: &Common,
    prepared: &Prepared,
    store: &Store,
) -> Result<Option<Decomposition>, CliError> {
    let objective = prepared.plan.model.objective(&prepared.dataset.task);
    let work = Work {
        args,
        prepared,
        store,
    };
    with_loss(objective, &prepared.dataset.train, work)
}

struct Work<'a> {
    args: &'a Common,
    prepared: &'a Prepared,
    store: &'a Store,
}

impl WithLoss for Work<'_> {
    type Out = Result<Option<Decomposition>, CliError>;

    fn run<L: Loss>(self, loss: L, targets: TargetsOf<L>) -> Self::Out {
        let lab = Lab::new(self.prepared, self.store, loss, targets)?;
        lab.with_solver(|solver, words| {
            let found = lab.points(self.args.shard, solver, measure)?;
            Ok(found.map(|(points, failed)| Decomposition::new(lab.setup(words), points, failed)))
        })
    }
}

/// The distances of the outputs on the training set from stage to stage.
fn measure<L: Loss>(answers: &mut Answers<'_, '_, L>) -> Result<PointGaps, StageError> {
    let mut gaps = [0.0; 5];
    let mut before = answers.get(STAGES[0])?;
    for (gap, stage) in gaps.iter_mut().zip(&STAGES[1..]) {
        let next = answers.get(*stage)?;
        *gap = output_distance(&before, &next, &answers.lab().dataset.train);
        if !gap.is_finite() {
            return Err(StageError::Point(format!(
                "the outputs after {} are not finite",
                stage.name()
            )));
        }
        before = next;
    }
    Ok(PointGaps {
        removed: answers.removed(),
        gaps: Gaps::from_array(gaps),
        seconds: std::mem::take(&mut answers.seconds),
    })
}
