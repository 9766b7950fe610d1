//! What the removal of groups does, beside what influence and the Newton estimate predict.

use std::time::Instant;

use backdraft_curvature::Cost;
use backdraft_influence::{
    SolveError,
    response::Removal,
    statistics::{pearson, slope, spearman},
};
use serde::{Deserialize, Serialize};

use super::{
    DamagedEntry, EvaluateError, Evaluation, EvaluationTask, FailedRemoval, Seconds, Stage,
    answers::Answers,
    correlation::{Queries, host, losses},
    error::StageError,
    json,
    run::RemovalResult,
};

/// What the removal of a group does to what is measured of the queries: without the group less with it, one number a
/// query, in the units of what is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupEffect {
    /// The training examples removed.
    pub removed: Vec<usize>,
    /// As influence predicts, to first order: the sum of the examples' scores.
    #[serde(deserialize_with = "json::numbers")]
    pub influence: Vec<f64>,
    /// As measured where one Newton step without the group leads to: `(A - 1/N sum of H_z)^-1 1/N sum of grad L(z)`.
    #[serde(deserialize_with = "json::numbers")]
    pub newton: Vec<f64>,
    /// After retraining.
    #[serde(deserialize_with = "json::numbers")]
    pub actual: Vec<f64>,
    /// The larger of the relative residuals of the two systems.
    #[serde(deserialize_with = "json::number")]
    pub residual: f64,
    /// Whether both are within the solver's tolerance.
    pub solved: bool,
    /// What each stage took; the Newton step under `newton`.
    pub seconds: Seconds,
}

/// How well effects of groups are predicted, over all pairs of a group and a query. None where nothing varies, or with
/// fewer than two pairs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupAgreement {
    /// Pearson's correlation of predicted and actual effects.
    pub pearson: Option<f64>,
    /// Spearman's.
    pub spearman: Option<f64>,
    /// The least-squares slope of *predicted* on *actual* effects: below 1 where effects are underestimated, as Koh et
    /// al. (2019) find of influence.
    pub slope: Option<f64>,
}

impl GroupAgreement {
    /// Of predictions `of` each effect.
    pub fn of<'a>(
        effects: impl IntoIterator<Item = &'a GroupEffect>,
        of: impl Fn(&GroupEffect) -> &[f64],
    ) -> Self {
        let (mut predicted, mut actual) = (Vec::new(), Vec::new());
        for effect in effects {
            predicted.extend_from_slice(of(effect));
            actual.extend_from_slice(&effect.actual);
        }
        Self {
            pearson: pearson(&predicted, &actual),
            spearman: spearman(&predicted, &actual),
            slope: slope(&actual, &predicted),
        }
    }
}

/// What the removal of groups does.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupEffects {
    /// Each group's, in the order asked for.
    pub effects: Vec<GroupEffect>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// How many are left to other shards.
    pub left: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

/// What is retrained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetrainFrom {
    /// From the trained parameters on, as [`EvaluationConfig::retraining`](super::EvaluationConfig::retraining) says:
    /// for a convex cost that is minimised to its end the same as from anywhere, and soonest there.
    Trained,
    /// Anew, by [`Retrain`](crate::Retrain).
    Initial,
}

impl RemovalResult for GroupEffect {
    fn is_finite(&self) -> bool {
        let parts = [&self.influence, &self.newton, &self.actual];
        parts.into_iter().flatten().all(|it| it.is_finite())
    }

    fn is_of(&self, removal: &Removal) -> bool {
        self.removed == removal.examples
    }
}

impl Evaluation<'_> {
    /// What the removal of each of `groups` does to what is measured of `queries`, as influence and as the Newton
    /// estimate predict, and as retraining shows (Koh, Ang, Teo & Liang 2019, "On the Accuracy of Influence Functions
    /// for Measuring Group Effects"). Both predictions are with the evaluation's matrix, damping and solver; with a
    /// damping of 0 and the cost's L2 term they are the paper's.
    ///
    /// `queries` are as for [`correlations`](Self::correlations).
    ///
    /// # Errors
    /// As [`correlations`](Self::correlations). A group without which the matrix is not positive definite is listed as
    /// failed.
    pub fn group_effects(
        &self,
        groups: &[Removal],
        queries: &Cost,
        from: RetrainFrom,
    ) -> Result<GroupEffects, EvaluateError> {
        let queries = Queries::of(self, queries)?;
        let start = match from {
            RetrainFrom::Trained => "warm",
            RetrainFrom::Initial => "cold",
        };
        let name = self.named(&format!("groups-{start}"), &queries.cost)?;
        let stage = match from {
            RetrainFrom::Trained => Stage::WarmStart,
            RetrainFrom::Initial => Stage::ColdStart,
        };
        let effect = |answers: &mut Answers<'_, '_>| queries.group_effect(answers, stage);
        let found = self.run(groups, false, |run| run.over(groups, &name, effect))?;
        Ok(GroupEffects {
            effects: found.done,
            failed: found.failed,
            left: found.left,
            damaged: found.damaged,
        })
    }
}

impl Queries {
    fn group_effect(
        &self,
        answers: &mut Answers<'_, '_>,
        stage: Stage,
    ) -> Result<GroupEffect, StageError> {
        let estimate = answers.estimate()?;
        let influence = host(self.cost.directional_derivatives(estimate.change)?);
        let start = Instant::now();
        let (run, removal) = (answers.run, answers.place.removal);
        let steps = run.products.get();
        run.meter
            .begin(EvaluationTask::Stage(Stage::Influence), steps);
        let (newton, solved) = match run.newton(removal) {
            Ok(solution) => (solution, true),
            Err(SolveError::NotConverged { solution, .. }) => (*solution, false),
            Err(error) => return Err(error.into()),
        };
        let theta = run.evaluation.theta().clone() + newton.vector;
        let by_newton = self.change(losses(&self.cost.at(theta)?)?);
        let seconds = start.elapsed().as_secs_f64();
        answers.seconds.insert("newton".to_owned(), seconds);
        let actual = self.change(losses(&self.cost.at(answers.get(stage)?)?)?);
        Ok(GroupEffect {
            removed: answers.removed().to_vec(),
            influence,
            newton: by_newton,
            actual,
            residual: estimate.residual.max(newton.info.true_residual),
            solved: estimate.solved && solved,
            seconds: answers.seconds.clone(),
        })
    }
}
