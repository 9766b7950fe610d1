//! `run.json`: what was asked, with which settings, and what came out.

use backdraft_attribution::{
    PredictionQuality,
    verify::{Intervals, PairKind},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{ClosedFormRecord, GroupRecord, Measure, OutputError, Place, TargetValue, Unit};

/// What a command leaves behind as a file of JSON.
pub trait Record: Serialize {
    /// Name of the file in the run's folder.
    const FILE: &'static str;

    /// The record as indented JSON with a newline at its end; numbers that are not finite become `null`.
    ///
    /// # Errors
    /// [`OutputError::Encode`], only if a value among its details cannot be written.
    fn to_json(&self) -> Result<Vec<u8>, OutputError> {
        let json = serde_json::to_vec_pretty(self);
        let mut json = json.map_err(|error| OutputError::encode(Self::FILE, error))?;
        json.push(b'\n');
        Ok(json)
    }
}

/// Everything about a run but the scores themselves.
///
/// Numbers are finite; JSON has no others and writes `null` in their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// What the run was asked to do.
    pub settings: RunSettings,
    /// What did it.
    pub versions: Versions,
    /// When it began (RFC 3339), if the caller wants that recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<String>,
    /// What losses and outputs are measured in.
    #[serde(default)]
    pub unit: Unit,
    /// What scores are changes of; none in records of version 0.1 and before, where it is the loss.
    #[serde(default)]
    pub measure: Option<Measure>,
    /// How much there was to do it with.
    pub sizes: Sizes,
    /// How long each stage took, in order.
    pub timings: Vec<Timing>,
    /// How good the trained model is.
    pub metrics: ModelQuality,
    /// The test examples asked about, in the order of the scores' rows; none if it is their mean.
    pub queries: Vec<QueryRecord>,
    /// The mean over test examples, if that was asked about: the one row of scores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<MeanRecord>,
    /// Groups of training examples whose weights are changed, if any were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<GroupRecord>,
    /// What is known in closed form, of a linear model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_form: Option<ClosedFormRecord>,
    /// Predicted against actual changes, if they were compared.
    pub verification: Option<VerificationRecord>,
}

impl RunRecord {
    /// What scores are changes of.
    pub fn measure(&self) -> Measure {
        let measure = self.measure.clone();
        measure.unwrap_or_else(|| Measure::loss(&self.unit))
    }

    /// How the systems were solved, one a row of scores.
    pub fn solves(&self) -> impl Iterator<Item = &SolveRecord> {
        let of_queries = self.queries.iter().map(|it| &it.solve);
        of_queries.chain(self.mean.iter().map(|it| &it.solve))
    }
}

impl Record for RunRecord {
    const FILE: &'static str = "run.json";
}

/// All settings of a run: what every run has by name, the rest in [`details`](Self::details).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSettings {
    /// The model.
    pub model: String,
    /// The data set.
    pub data: String,
    /// The task, such as "classification, 10 classes".
    pub task: String,
    /// The solver of `(curvature + damping I) s = gradient`, where such systems were solved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver: Option<String>,
    /// The file that the weights came from; none if they were trained.
    pub weights: Option<WeightsFile>,
    /// What is added to the curvature's diagonal there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damping: Option<f64>,
    /// The device that computed.
    pub device: String,
    /// Where every random choice came from.
    pub seed: u64,
    /// The run's folder.
    pub out: String,
    /// Everything else, under its own names beside the above.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// Settings as [`RunSettings::details`] and [`Setup::details`](super::experiment::Setup::details) hold them.
///
/// # Errors
/// [`OutputError::Encode`] if they are no object in JSON.
pub fn details_of(settings: &impl Serialize) -> Result<Map<String, Value>, OutputError> {
    let refused = |error| OutputError::encode("the settings", error);
    let value = serde_json::to_value(settings).map_err(refused)?;
    serde_json::from_value(value).map_err(refused)
}

/// Versions of what computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// Backdraft's.
    pub backdraft: String,
    /// Burn's.
    pub burn: String,
}

/// Counts that scale a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sizes {
    /// Training examples.
    pub train: usize,
    /// Test examples.
    pub test: usize,
    /// Parameters of the model.
    pub parameters: usize,
}

/// Time of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// The stage, such as "train".
    pub stage: String,
    /// Its wall-clock time in seconds.
    pub seconds: f64,
}

/// A file that weights came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsFile {
    /// Its path, as it was given.
    pub file: String,
    /// The rules `OLD=NEW` that its names went through.
    pub map: Vec<String>,
    /// Of the weights as the model has them.
    pub fingerprint: String,
}

/// The model's quality on both sets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelQuality {
    /// On the training set.
    pub train: Quality,
    /// On the test set.
    pub test: Quality,
    /// Euclidean norm of the gradient of the mean training loss, in the record's unit of losses, without an L2 term:
    /// how far the weights are from a minimum.
    pub gradient_norm: f64,
}

/// The model's quality on one set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Mean loss, in the record's unit.
    pub loss: f64,
    /// Share of examples classified correctly; none in regression.
    pub accuracy: Option<f64>,
}

/// One test example asked about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QueryRecord {
    /// Its index in the test set.
    pub index: usize,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// Its target.
    pub label: TargetValue,
    /// What the model predicts.
    pub predicted: TargetValue,
    /// Its loss, in the record's unit.
    pub loss: f64,
    /// What is measured of it, in its unit, where that is not the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// How its linear system was solved.
    pub solve: SolveRecord,
}

/// The mean over test examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanRecord {
    /// How many there are.
    pub examples: usize,
    /// Their mean loss, in the record's unit.
    pub loss: f64,
    /// What is measured in the mean, in its unit, where that is not the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<f64>,
    /// How the linear system was solved.
    pub solve: SolveRecord,
}

/// Evidence of one linear solve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SolveRecord {
    /// Whether the solver met its tolerance.
    pub converged: bool,
    /// Curvature products taken; 0 for a direct solve.
    pub iterations: usize,
    /// `||(C + damping I) s - g|| / ||g||` of the solution, computed afresh.
    pub true_residual: f64,
    /// The relative residual as the solver saw it, after each iteration; empty for a direct solve.
    pub residuals: Vec<f64>,
}

/// Predicted changes held against actual ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerificationRecord {
    /// Pearson correlation of predicted and actual, where both vary.
    pub pearson: Option<f64>,
    /// Spearman rank correlation of the same.
    pub spearman: Option<f64>,
    /// Least-squares slope of actual on predicted: 1 if the size is right too.
    pub slope: Option<f64>,
    /// The same of the Newton estimates, where there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newton: Option<PredictionQuality>,
    /// How sure the correlations are; none where there are too few removals to tell.
    #[serde(default)]
    pub intervals: Option<Intervals>,
    /// Largest gradient norm left in a response objective that was trained, relative to that at its start: how far the
    /// actual changes are from converged.
    pub max_objective_gradient: Option<f64>,
    /// How much was verified; none in records of version 0.1 and before.
    #[serde(default)]
    pub coverage: Option<VerificationCoverage>,
    /// What was compared.
    pub pairs: Vec<Pair>,
    /// Removals left out of the comparison, because their response could not be computed.
    pub failed: Vec<Failed>,
}

/// How much was verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerificationCoverage {
    /// What was asked for: "quick", "full", or a number of removals.
    pub asked: String,
    /// Removals that were chosen, before any was known.
    pub planned: usize,
    /// The training examples whose removal was answered or failed, in the order of the choice: a quick verification
    /// ends when its time is over.
    pub removals: Vec<usize>,
}

/// A removal whose response could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// Index of the training example.
    pub train: usize,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// Why.
    pub reason: String,
}

/// One training example removed, and what that does to what is measured of one query, in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Test index of the query; none for the mean over all.
    pub query: Option<usize>,
    /// Index of the training example.
    pub train: usize,
    /// Where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Place>,
    /// The score: the predicted change.
    pub predicted: f64,
    /// The Newton estimate of the change, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newton: Option<f64>,
    /// The change found by training the response function to convergence.
    pub actual: f64,
    /// Why this example was verified.
    pub kind: PairKind,
}
