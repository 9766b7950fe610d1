//! `backdraft correlate`: what influence estimates predict.

use backdraft_curvature::Cost;
use backdraft_models::{data::Split, per_example_losses};
use burn::tensor::Tensor;

use super::{
    args::Correlate,
    estimate::Estimate,
    lab::Lab,
    plan::{Wish, prepare},
    points::{Answers, open, show},
    stage::{Stage, StageError},
};
use crate::{CliError, args::SolverName};
use backdraft_report::experiment::{Correlations, PointChanges, Responses};
use backdraft_report::{Record, experiment::Findings};

/// Runs `backdraft correlate`.
pub(crate) fn correlate(args: &Correlate) -> Result<(), CliError> {
    if args.tests == 0 {
        return Err(CliError::Option {
            option: "--tests",
            problem: "is 0: there is nothing to predict".to_owned(),
        });
    }
    let wish = Wish {
        command: "correlate",
        tests: args.tests,
        corrupt_labels: None,
        removed: Some(args.removed),
        solver: SolverName::Lissa,
        tolerance: None,
        sweep: false,
    };
    let prepared = prepare(&args.common, wish)?;
    let store = open(&args.common, &prepared)?;
    let lab = Lab::new(&prepared, &store)?;
    let tests = Tests::of(&lab);
    let found = lab.with_solver(|solver, method| {
        let changes = |answers: &mut Answers<'_, '_>| tests.changes(answers);
        let found = lab.points(args.common.shard, solver, changes)?;
        let indices = lab.plan.tests.clone();
        Ok(found.map(|(points, failed)| {
            let points = points.into_iter().map(|it| lab.unit.changes(it)).collect();
            Correlations::new(lab.setup(method), indices, points, failed)
        }))
    })?;
    match found {
        Some(it) => show(
            lab.store,
            Correlations::FILE,
            &it.to_json()?,
            &it.to_html(&lab.store.title())?,
            &it.to_table(),
        ),
        None => Ok(()),
    }
}

/// The test examples whose losses are predicted.
pub(super) struct Tests {
    split: Split,
    /// Their losses at the trained parameters.
    before: Vec<f64>,
}

impl Tests {
    pub fn of(lab: &Lab<'_>) -> Self {
        let split = lab.dataset.test.select(&lab.plan.tests);
        let before = per_example_losses(&lab.base, &split, lab.objective);
        Self { split, before }
    }

    /// What a removal does to them, as predicted and by each response.
    pub fn changes(&self, answers: &mut Answers<'_, '_>) -> Result<PointChanges, StageError> {
        let (influence, estimate) = predicted(answers)?;
        let mut change = |stage| -> Result<Vec<f64>, StageError> {
            let model = answers.get(stage)?;
            let after = per_example_losses(&model, &self.split, answers.lab().objective);
            if !after.iter().all(|loss| loss.is_finite()) {
                return Err(StageError::Point("a test loss is not finite".to_owned()));
            }
            let pairs = after.iter().zip(&self.before);
            Ok(pairs.map(|(after, before)| after - before).collect())
        };
        let responses = Responses {
            warm_start: change(Stage::WarmStart)?,
            pbrf: change(Stage::Pbrf)?,
            two_stage: change(Stage::Difference)?,
            cold_start: change(Stage::ColdStart)?,
        };
        Ok(PointChanges {
            removed: answers.removed(),
            influence,
            responses,
            residual: estimate.residual,
            solved: estimate.solved,
            seconds: answers.seconds.clone(),
        })
    }
}

/// The predicted change of every measured loss: its derivative along the predicted change of the parameters (Bae et al.
/// 2022, Eqn 5), with what it comes from.
fn predicted(answers: &mut Answers<'_, '_>) -> Result<(Vec<f64>, Estimate), StageError> {
    let estimate = answers.estimate()?;
    let along = |tests: &Cost| -> Result<Tensor<1>, CliError> {
        Ok(tests.directional_derivatives(estimate.change.clone())?)
    };
    let changes = match &answers.lab().tests {
        Some(tests) => along(tests)?.into_data().iter::<f64>().collect(),
        None => Vec::new(),
    };
    Ok((changes, estimate))
}
