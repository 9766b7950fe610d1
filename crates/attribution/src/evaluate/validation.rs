//! What came of a validation: the changes that removals really make, beside those that estimators predict.

use backdraft_influence::response::{Removal, Stop};
use serde::{Deserialize, Serialize};

use super::{DamagedEntry, FailedRemoval, json, run::RemovalResult};
use crate::{Estimator, SolverConfig};

/// What [`Evaluation::validate`](crate::Evaluation::validate) is to do.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidationConfig {
    /// How many training examples are removed: those with the largest influence in size, helpful or harmful.
    pub points: usize,
    /// What is held against the changes that they make.
    pub estimators: Vec<Estimator>,
    /// Those whose Newton estimates are, too ([`Estimator::newton`]). No two of all have one name.
    pub newton: Vec<Estimator>,
    /// How these changes are found.
    pub refit: Refit,
}

/// How the change that a removal makes is found.
#[derive(Clone, Debug, PartialEq)]
pub enum Refit {
    /// By minimising the cost without the example, from the trained parameters. Where the cost is strictly convex its
    /// minimum does not depend on the start, and this is training again.
    Minimum {
        /// When it is minimised. The gradient that is left is told with each change, and what it may come to.
        stop: Stop,
        /// What stands in for the inverse of the evaluation's matrix, as what L-BFGS begins with: in closed form, to be
        /// cheap. It decides how many steps are made, not where they lead.
        inverse: SolverConfig,
    },
    /// By the evaluation's [`Retrain`](crate::Retrain), from its seed, with the example's weight 0; what is measured
    /// before is of the same training with all examples.
    Training,
}

/// What the removal of one training example does to what is measured of the query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActualChange {
    /// The training example.
    pub example: usize,
    /// `m(without) - m(with)`, in the units of `m`. Positive: removing it raises `m`; of a loss, it helped.
    #[serde(deserialize_with = "json::number")]
    pub change: f64,
    /// Norm of the gradient that is left in what was minimised; none after training.
    pub gradient: Option<f64>,
    /// How far that gradient, and the one before the removal, may keep the change from that of the minima, to first
    /// order: their norms times that of `A^-1 grad m`.
    pub error: Option<f64>,
    /// Steps of the minimisation.
    pub steps: Option<usize>,
    /// What it took.
    pub seconds: f64,
}

impl RemovalResult for ActualChange {
    fn is_finite(&self) -> bool {
        self.change.is_finite()
    }

    fn is_of(&self, removal: &Removal) -> bool {
        removal.examples == [self.example]
    }
}

/// What an estimator predicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatorPrediction {
    /// Of each of the points, in order: the change of what is measured when it is removed, to first order in what is
    /// measured. None where there is no Newton estimate, for a point that is fitted by itself alone.
    pub predicted: Vec<Option<f64>>,
    /// The share of the points that are among as many strongest of the estimator's own; none for Newton estimates,
    /// which are of the points alone.
    pub overlap: Option<f64>,
    /// Wall-clock seconds from the matrix to the scores of all training examples, or the Newton estimates of the
    /// points.
    pub seconds: f64,
    /// How well the estimator's inverse solves the system, as a relative residual; none where that says nothing.
    pub residual: Option<f64>,
    /// What the inverse is made of, in words.
    pub described: Option<String>,
    /// LiSSA's scale, as it was given or found.
    pub scale: Option<f64>,
}

/// An estimator's predictions, or why there are none and what helps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EstimatorOutcome {
    /// It predicts.
    Done(EstimatorPrediction),
    /// It does not.
    Failed(String),
}

/// An estimator, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidatedEstimator {
    /// The estimator.
    pub estimator: Estimator,
    /// Whether its Newton estimates are meant, and not its scores.
    pub newton: bool,
    /// Its predictions.
    pub outcome: EstimatorOutcome,
}

/// The training examples that most influence a query, what their removal really does, and what estimators predict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Validation {
    /// What is measured of the query before anything is removed.
    pub before: f64,
    /// The training examples, the largest influence in size first.
    pub points: Vec<usize>,
    /// What the removal of each does, of those that were removed: in the order of `points`.
    pub changes: Vec<ActualChange>,
    /// The estimators, in the order asked for; without those that are left to other shards.
    pub estimators: Vec<ValidatedEstimator>,
    /// Those left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// How many removals are left to other shards.
    pub left: usize,
    /// How many estimators are left to other shards.
    pub estimators_left: usize,
    /// What was damaged in the store, and computed anew.
    pub damaged: Vec<DamagedEntry>,
}

impl Validation {
    /// What an estimator predicts and what happens, a pair for each removal that came to its end.
    pub fn pairs(&self, prediction: &EstimatorPrediction) -> Vec<(f64, f64)> {
        pairs(&self.points, &self.changes, &prediction.predicted)
    }
}

/// Predictions, one a point if there is one, and changes, as pairs.
pub fn pairs(
    points: &[usize],
    changes: &[ActualChange],
    predicted: &[Option<f64>],
) -> Vec<(f64, f64)> {
    let of = |change: &ActualChange| {
        let place = points.iter().position(|&point| point == change.example)?;
        Some(((*predicted.get(place)?)?, change.change))
    };
    changes.iter().filter_map(of).collect()
}
