//! `validate.json` and `validation.csv`: estimators of influence held against what removals really do.

use backdraft_attribution::PredictionQuality;
use backdraft_attribution::evaluate::{
    ActualChange, EstimatorOutcome, EstimatorPrediction, FailedRemoval, ValidatedEstimator,
    Validation, pairs,
};
use serde::{Deserialize, Serialize};

use super::Setup;
use crate::{OutputError, Place};

/// The test example that was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidatedQuery {
    /// Its index.
    pub index: usize,
    /// Where it stands.
    pub place: Place,
    /// How it was chosen, in words.
    pub rule: String,
    /// Its class, where it has one.
    pub label: Option<String>,
    /// The class that the network gives it.
    pub predicted: Option<String>,
    /// Its loss before anything was removed.
    pub loss: f64,
}

impl ValidatedQuery {
    /// It in words.
    pub(super) fn told(&self) -> String {
        let taken = match (&self.label, &self.predicted) {
            (Some(label), Some(predicted)) if label != predicted => {
                format!(", a `{label}` that it takes for `{predicted}`")
            }
            (Some(label), _) => format!(", a `{label}`"),
            (None, _) => String::new(),
        };
        format!("test example {}{taken}", self.index)
    }
}

/// An estimator with its predictions, and how well these agree with the changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EstimatorRecord {
    /// The estimator, and what it predicts, or why it does not.
    #[serde(flatten)]
    pub found: ValidatedEstimator,
    /// How well that agrees with what happens; none without predictions.
    pub quality: Option<PredictionQuality>,
}

impl EstimatorRecord {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.found.estimator.name
    }

    /// Why there are no predictions, if there are none.
    pub fn failure(&self) -> Option<&str> {
        match &self.found.outcome {
            EstimatorOutcome::Failed(reason) => Some(reason),
            EstimatorOutcome::Done(_) => None,
        }
    }
}

/// `validate.json`: the changes that removals really make, beside those that estimators predict (Koh & Liang 2017,
/// Section 4.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValidationRecord {
    /// What was asked.
    pub setup: Setup,
    /// Removals left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// The test example whose loss is measured.
    pub query: ValidatedQuery,
    /// How the network was fitted again, in words.
    pub refit: String,
    /// Each estimator, in the order asked for.
    pub estimators: Vec<EstimatorRecord>,
    /// The training examples, the largest influence in size first: what predictions are of.
    pub points: Vec<usize>,
    /// What removing them did.
    pub changes: Vec<ActualChange>,
}

impl ValidationRecord {
    /// Name of the table of every removal.
    pub const TABLE: &'static str = "validation.csv";

    /// Of what was found, which comes in the units of training.
    pub fn new(setup: Setup, query: ValidatedQuery, refit: String, found: Validation) -> Self {
        let unit = setup.unit.clone();
        let changes: Vec<_> = found
            .changes
            .into_iter()
            .map(|it| unit.change(it))
            .collect();
        let estimators = found.estimators.into_iter().map(|it| {
            let found_by = unit.estimator(it);
            let quality = match &found_by.outcome {
                EstimatorOutcome::Done(it) => {
                    let pairs = pairs(&found.points, &changes, &it.predicted);
                    Some(PredictionQuality::of(&pairs))
                }
                EstimatorOutcome::Failed(_) => None,
            };
            EstimatorRecord {
                found: found_by,
                quality,
            }
        });
        Self {
            estimators: estimators.collect(),
            failed: found.failed,
            points: found.points,
            query,
            refit,
            changes,
            setup,
        }
    }

    /// What an estimator predicts and what happens, a pair for each removal.
    pub(super) fn pairs(&self, prediction: &EstimatorPrediction) -> Vec<(f64, f64)> {
        pairs(&self.points, &self.changes, &prediction.predicted)
    }

    /// Each estimator's name and predictions, of those that have any.
    pub(super) fn predictions(&self) -> impl Iterator<Item = (&str, &[Option<f64>])> {
        self.estimators
            .iter()
            .filter_map(|it| match &it.found.outcome {
                EstimatorOutcome::Done(prediction) => Some((it.name(), &prediction.predicted[..])),
                EstimatorOutcome::Failed(_) => None,
            })
    }

    /// [`TABLE`](Self::TABLE): a row for each removal that came to its end, the largest influence in size first, with
    /// where the example stands, the actual change of the loss, how far what is left of gradients may keep it from that
    /// of the minima, and a column for each estimator's prediction, empty where there is none.
    ///
    /// # Errors
    /// [`OutputError::Encode`].
    pub fn to_csv(&self) -> Result<Vec<u8>, OutputError> {
        let refused = |error: csv::Error| OutputError::encode(Self::TABLE, error);
        let predictions: Vec<_> = self.predictions().collect();
        let mut table = csv::Writer::from_writer(Vec::new());
        let head = ["train", "where", "actual", "error"];
        let names = predictions.iter().map(|(name, _)| *name);
        table
            .write_record(head.into_iter().chain(names))
            .map_err(refused)?;
        for it in &self.changes {
            let place = self.setup.train.get(&it.example);
            let rank = self.points.iter().position(|&point| point == it.example);
            let number = |x: Option<f64>| x.map_or_else(String::new, |x| x.to_string());
            let predicted = predictions
                .iter()
                .map(|(_, all)| number(rank.and_then(|rank| *all.get(rank)?)));
            let cells = [
                it.example.to_string(),
                place.map_or_else(String::new, Place::to_string),
                it.change.to_string(),
                number(it.error),
            ];
            table
                .write_record(cells.into_iter().chain(predicted))
                .map_err(refused)?;
        }
        let refused =
            |error: csv::IntoInnerError<_>| OutputError::encode(Self::TABLE, error.into_error());
        table.into_inner().map_err(refused)
    }
}
