//! Where an influence estimate and retraining part ways.

use std::collections::BTreeMap;

use backdraft_curvature::Cost;
use backdraft_influence::response::Removal;
use serde::{Deserialize, Serialize};

use super::{
    Changes, Correlations, DamagedEntry, EvaluateError, Evaluation, FailedRemoval, Gaps, Spread,
    Stage,
    answers::Answers,
    correlation::Queries,
    distance::output_distance,
    error::StageError,
    json,
    run::{RemovalResult, RemovalResults},
};

/// The wall-clock seconds of each stage, by its name.
pub type Seconds = BTreeMap<String, f64>;

/// The gaps of one removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RemovalGaps {
    /// The training examples removed.
    pub removed: Vec<usize>,
    /// Its gaps.
    #[serde(deserialize_with = "json::gaps")]
    pub gaps: Gaps<f64>,
    /// The relative residual of the estimate's linear system.
    #[serde(deserialize_with = "json::number")]
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
    /// What each stage took.
    pub seconds: Seconds,
}

/// The gaps of several removals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decomposition {
    /// Their means and deviations over the removals.
    pub gaps: Gaps<Spread>,
    /// Each removal's, in the order asked for.
    pub removals: Vec<RemovalGaps>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// How many are left to other shards.
    pub left: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

/// What is measured of one removal.
#[derive(Serialize, Deserialize)]
struct GapsAndChanges {
    gaps: RemovalGaps,
    changes: Option<Changes>,
}

impl RemovalResult for GapsAndChanges {
    fn is_finite(&self) -> bool {
        let gaps = self.gaps.gaps.into_array();
        gaps.iter().all(|it| it.is_finite()) && self.changes.as_ref().is_none_or(Changes::is_finite)
    }
}

impl Evaluation<'_> {
    /// The five gaps of each of `removals`, and their means (Bae et al. 2022, Section 4): from training again without
    /// the examples over warm start, proximal response, proximal Bregman response and its linearisation to the
    /// influence estimate.
    ///
    /// # Errors
    /// [`EvaluateError::Setting`] for removals that cannot be made; [`EvaluateError::AllFailed`] if none comes to its
    /// end; [`EvaluateError::Store`], and what no removal could be measured with: a device that fails, a program that
    /// cannot be traced.
    pub fn gaps(&self, removals: &[Removal]) -> Result<Decomposition, EvaluateError> {
        Ok(self.decompose(removals, None)?.0)
    }

    /// [`gaps`](Self::gaps), and of the same responses [`correlations`](Self::correlations) with `queries`, if there
    /// are any.
    ///
    /// # Errors
    /// As these.
    pub fn decompose(
        &self,
        removals: &[Removal],
        queries: Option<&Cost>,
    ) -> Result<(Decomposition, Option<Correlations>), EvaluateError> {
        let queries = queries.map(|it| Queries::of(self, it)).transpose()?;
        let name = match &queries {
            Some(queries) => self.named("gaps", &queries.cost)?,
            None => "gaps".to_owned(),
        };
        let measure = |answers: &mut Answers<'_, '_>| {
            let gaps = gaps(answers)?;
            let changes = queries.as_ref().map(|it| it.changes(answers)).transpose()?;
            Ok(GapsAndChanges { gaps, changes })
        };
        let found = self.run(removals, false, |run| run.over(removals, &name, measure))?;
        let (removals, changes): (Vec<_>, Vec<_>) = found
            .done
            .into_iter()
            .map(|it| (it.gaps, it.changes))
            .unzip();
        let found = RemovalResults {
            done: changes.into_iter().flatten().collect(),
            failed: found.failed,
            left: found.left,
            damaged: found.damaged,
        };
        let decomposition = Decomposition {
            gaps: Gaps::<Spread>::of(&removals),
            removals,
            failed: found.failed.clone(),
            left: found.left,
            damaged: found.damaged.clone(),
        };
        Ok((
            decomposition,
            queries.is_some().then(|| Correlations::new(found)),
        ))
    }
}

/// The distances of the outputs on the training set from stage to stage.
fn gaps(answers: &mut Answers<'_, '_>) -> Result<RemovalGaps, StageError> {
    let mut gaps = [0.0; 5];
    let [first, rest @ ..] = Stage::PATH;
    let mut before = answers.get(first)?;
    for (gap, stage) in gaps.iter_mut().zip(rest) {
        let next = answers.get(stage)?;
        *gap = output_distance(answers.run.evaluation.cost(), &before, &next)?;
        if !gap.is_finite() {
            let what = "the distance of two stages' outputs";
            return Err(EvaluateError::NotFinite { what }.into());
        }
        before = next;
    }
    let estimate = answers.estimate()?;
    Ok(RemovalGaps {
        removed: answers.removed().to_vec(),
        gaps: Gaps::from_array(gaps),
        residual: estimate.residual,
        solved: estimate.solved,
        seconds: answers.seconds.clone(),
    })
}
