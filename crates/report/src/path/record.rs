//! `run.json` of a run that follows response paths.

use backdraft_influence::path::{
    Landings, PathEnd, PointFacts, Projection, Straightness, TangentGap,
};
use serde::{Deserialize, Serialize};

use crate::{Place, Record, RunRecord, TargetValue};

/// Everything about a run that follows response paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathsRecord {
    /// What every run has.
    #[serde(flatten)]
    pub run: RunRecord,
    /// Of what the paths are minima.
    pub objective: ObjectiveRecord,
    /// The test examples whose losses are followed along the paths.
    pub examples: Vec<PathExample>,
    /// One for each training example, or group of them, that was asked about.
    pub paths: Vec<FollowedPathRecord>,
}

impl Record for PathsRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// Of what paths are minima.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveRecord {
    /// Which objective: `retraining`, `proximal` or `bregman`.
    pub kind: String,
    /// The strength of the cost's L2 term.
    pub l2: f64,
    /// The strength of the proximal term; 0 of retraining.
    pub proximal: f64,
    /// Why this one, in a sentence.
    pub reason: String,
}

/// A test example whose loss is followed along paths.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathExample {
    /// Its index in the test set.
    pub index: usize,
    /// Where it stands.
    pub source: Place,
    /// Its target.
    pub label: TargetValue,
    /// What the trained model predicts.
    pub predicted: TargetValue,
    /// Its loss under the trained model, in the record's unit.
    pub loss: f64,
}

/// One path that was followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FollowedPathRecord {
    /// What it is called: `train 17`, or the group's name.
    pub name: String,
    /// The training example, where it is one that is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train: Option<usize>,
    /// Where that stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// Its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<TargetValue>,
    /// How many examples change their weight.
    pub examples: usize,
    /// What is added to their weights by `eps = 0`, in sum; each counts 1 at `eps = 1`.
    pub weight_change: f64,
    /// Where it ends.
    pub ended: PathEnd,
    /// Distance of the path's first point from the trained parameters: how far these were from the objective's minimum.
    pub from_trained: f64,
    /// The points, from `eps = 1` down.
    pub points: Vec<PathPointRecord>,
    /// How straight it is.
    pub straightness: Straightness,
    /// How far the tangents at its ends differ.
    pub tangent_gap: TangentGap,
    /// How far straight lines land from its end.
    pub landings: Landings,
    /// Why there is no Newton estimate, where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_newton: Option<String>,
    /// The path in a plane; beside it where the lines land: influence at 1, influence at the end, the second order at
    /// 1, and the Newton estimate, if there is one.
    pub projection: Projection,
    /// What it does to each query, in the order of the record's examples.
    pub queries: Vec<PathQueryRecord>,
}

/// A point of a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathPointRecord {
    /// What is known of it; values are in the record's unit, derivatives and lengths of the parameters in theirs.
    #[serde(flatten)]
    pub facts: PointFacts,
    /// The loss of each query there, in the record's unit.
    pub losses: Vec<f64>,
    /// Its derivative in `eps` along the path.
    pub slopes: Vec<f64>,
}

/// What a path does to the loss of one query, from its first point to its last, in the record's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathQueryRecord {
    /// Test index of the query.
    pub query: usize,
    /// The change along the path.
    pub actual: f64,
    /// What influence at the first point predicts: the score, with the objective's Hessian.
    pub influence_at_one: f64,
    /// What influence at the path's end predicts of the same change.
    pub influence_at_end: f64,
    /// What the Newton estimate predicts, to first order in the parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newton: Option<f64>,
}

impl FollowedPathRecord {
    /// How much of `eps` it goes through: 1 where it is whole.
    pub fn span(&self) -> f64 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => first.facts.eps - last.facts.eps,
            _ => 0.0,
        }
    }

    /// What a straight line predicts for the loss of the query at place `query`, at `eps`, less the loss at the first
    /// point: influence at 1, influence at the end, through the end, and the Newton estimate.
    pub(super) fn lines(&self, query: usize, eps: f64) -> [Option<f64>; 3] {
        let of = self.queries.get(query);
        let Some((of, span)) = of.map(|it| (it, self.span())).filter(|it| it.1 > 0.0) else {
            return [None; 3];
        };
        let gone = (1.0 - eps) / span;
        let back = of.actual - of.influence_at_end * (1.0 - gone);
        [
            Some(of.influence_at_one * gone),
            Some(back),
            of.newton.map(|it| it * gone),
        ]
    }

    /// The largest true residual of any system that was solved for it.
    pub fn true_residual(&self) -> f64 {
        let all = self.points.iter().map(|it| it.facts.true_residual);
        all.fold(0.0, f64::max)
    }

    /// The products with the Hessian that it took.
    pub fn products(&self) -> f64 {
        self.points.iter().map(|it| it.facts.products).sum()
    }
}

/// Where a path ends, in words.
pub(super) fn ended(end: &PathEnd) -> String {
    let eps = |eps: f64| crate::number::short(eps);
    match end {
        PathEnd::Whole => "followed to eps = 0".into(),
        PathEnd::Fold {
            last,
            fold: Some(fold),
            ..
        } => format!(
            "folds near eps = {}, followed to {}",
            eps(*fold),
            eps(*last)
        ),
        PathEnd::Fold { last, .. } => format!(
            "is a path of minima no further than eps = {}: there the curvature loses positive definiteness",
            eps(*last)
        ),
        PathEnd::Lost { last, .. } => format!("lost at eps = {}", eps(*last)),
    }
}

/// What was met beyond a path's end, if it is not whole.
pub(super) fn cause(end: &PathEnd) -> Option<&str> {
    match end {
        PathEnd::Whole => None,
        PathEnd::Fold { cause, .. } | PathEnd::Lost { cause, .. } => Some(cause),
    }
}
