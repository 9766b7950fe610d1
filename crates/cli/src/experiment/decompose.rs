//! `backdraft decompose`: where an influence estimate and retraining part ways.

use backdraft_models::output_distance;
use serde::{Deserialize, Serialize};

use super::{
    args::{Common, Decompose, Removed},
    correlate::Tests,
    lab::Lab,
    plan::{Prepared, Wish, prepare},
    points::{Answers, open, show},
    stage::{Stage, StageError},
    store::{CORRELATIONS, Store},
};
use crate::{CliError, args::SolverName, progress::say};
use backdraft_report::experiment::{Correlations, Decomposition, Gaps, PointChanges, PointGaps};
use backdraft_report::{Record, experiment::Findings};

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
pub(crate) fn decompose(args: &Decompose) -> Result<(), CliError> {
    let wish = Wish {
        tests: args.tests,
        ..wish(args.removed, false)
    };
    let prepared = prepare(&args.common, wish)?;
    let store = open(&args.common, &prepared)?;
    let Some(found) = decomposition(&args.common, &prepared, &store)? else {
        return Ok(());
    };
    if let Some(it) = found.correlations {
        store.write(CORRELATIONS, it.to_html(&store.title())?.as_bytes())?;
        store.write(Correlations::FILE, &it.to_json()?)?;
        say(format_args!("\n{}", it.to_table().trim_end()));
    }
    let it = found.decomposition;
    show(
        &store,
        Decomposition::FILE,
        &it.to_json()?,
        &it.to_html(&store.title())?,
        &it.to_table(),
    )
}

/// What a decomposition asks of a plan, by itself or for one value of a sweep.
pub(super) fn wish(removed: Removed, sweep: bool) -> Wish {
    Wish {
        command: "decompose",
        tests: 0,
        corrupt_labels: None,
        removed: Some(removed),
        solver: SolverName::Lissa,
        tolerance: None,
        sweep,
    }
}

/// The decomposition, if no removals are left to other parts.
pub(super) fn decomposition(
    args: &Common,
    prepared: &Prepared,
    store: &Store,
) -> Result<Option<Decomposed>, CliError> {
    let lab = Lab::new(prepared, store)?;
    let tests = (!lab.plan.tests.is_empty()).then(|| Tests::of(&lab));
    let measure = |answers: &mut Answers<'_, '_>| {
        let gaps = gaps(answers)?;
        let changes = tests.as_ref().map(|tests| tests.changes(answers));
        Ok(Point {
            gaps,
            changes: changes.transpose()?,
        })
    };
    lab.with_solver(|solver, method| {
        let Some((points, failed)) = lab.points(args.shard, solver, measure)? else {
            return Ok(None);
        };
        let (gaps, changes): (Vec<_>, Vec<_>) =
            points.into_iter().map(|it| (it.gaps, it.changes)).unzip();
        let setup = lab.setup(method);
        let gaps = gaps.into_iter().map(|it| setup.unit.gaps(it)).collect();
        let correlations = tests.is_some().then(|| {
            let changes = changes.into_iter().flatten();
            let changes = changes.map(|it| setup.unit.changes(it)).collect();
            let tests = lab.plan.tests.clone();
            Correlations::new(setup.clone(), tests, changes, failed.clone())
        });
        Ok(Some(Decomposed {
            decomposition: Decomposition::new(setup, gaps, failed),
            correlations,
        }))
    })
}

/// What a decomposition comes to, with the correlations if there are tests.
pub(super) struct Decomposed {
    pub decomposition: Decomposition,
    pub correlations: Option<Correlations>,
}

/// What is measured of one removal.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    gaps: PointGaps,
    changes: Option<PointChanges>,
}

/// The distances of the outputs on the training set from stage to stage.
fn gaps(answers: &mut Answers<'_, '_>) -> Result<PointGaps, StageError> {
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
    let estimate = answers.estimate()?;
    Ok(PointGaps {
        removed: answers.removed(),
        gaps: Gaps::from_array(gaps),
        residual: estimate.residual,
        solved: estimate.solved,
        seconds: answers.seconds.clone(),
    })
}
