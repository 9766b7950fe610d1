//! What an experiment asked and found: every raw number, and what they come to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{Metrics, Place, Sizes, Unit, Versions, json};

/// What every experiment tells, before its own findings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// The model.
    pub model: String,
    /// The data set.
    pub data: String,
    /// The preset: `paper`, or `quick`.
    pub preset: String,
    /// Passes over the data that trained the base network.
    pub epochs: usize,
    /// The strength `lambda` of the proximal term, of the network as it was trained.
    pub damping: f64,
    /// The matrix of the influence estimate: `gauss-newton` or `hessian`.
    pub matrix: String,
    /// The solver of the influence estimate, with its settings as they were chosen.
    pub solver: String,
    /// The device that computed.
    pub device: String,
    /// Where every random choice came from.
    pub seed: u64,
    /// What computed.
    pub versions: Versions,
    /// What losses, outputs and gaps are measured in.
    #[serde(default)]
    pub unit: Unit,
    /// Where the training examples that are removed stand in the source, by index.
    #[serde(default)]
    pub train: BTreeMap<usize, Place>,
    /// Where the test examples that are measured stand, by index.
    #[serde(default)]
    pub tests: BTreeMap<usize, Place>,
    /// How much there was to do it with.
    pub sizes: Sizes,
    /// How good the base network is.
    pub metrics: Metrics,
    /// Everything else, under its own names beside the above.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// Five numbers, one for each step from retraining to an influence estimate (Bae et al. 2022, Section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gaps<T> {
    /// From cold to warm start.
    pub warm_start: T,
    /// From warm start to the proximal response.
    pub proximity: T,
    /// From the proximal response to the proximal Bregman response (PBRF).
    pub non_convergence: T,
    /// From the PBRF to the linearised PBRF.
    pub linearization: T,
    /// From the linearised PBRF to the solver's estimate.
    pub solver: T,
}

/// A mean and a sample standard deviation (0 of a single number; both NaN, `null` in JSON, of none).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    #[serde(deserialize_with = "json::number")]
    pub mean: f64,
    /// The standard deviation.
    #[serde(deserialize_with = "json::number")]
    pub std: f64,
}

/// A removal that could not be followed to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedPoint {
    /// Indices of the removed training examples.
    pub removed: Vec<usize>,
    /// What was being computed.
    pub stage: String,
    /// Why it ended.
    pub reason: String,
}

/// The gaps of one removal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointGaps {
    /// Indices of the removed training examples.
    pub removed: Vec<usize>,
    /// Mean distance of the outputs on the training set, in the record's unit of outputs.
    #[serde(deserialize_with = "json::gaps")]
    pub gaps: Gaps<f64>,
    /// The relative residual of the influence estimate's linear system.
    #[serde(deserialize_with = "json::number")]
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
    /// Wall-clock seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
}

/// `decompose.json`: where an influence estimate and retraining part ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decomposition {
    /// What was asked.
    pub setup: Setup,
    /// Removals left out, with the reason.
    pub failed: Vec<FailedPoint>,
    /// Over all removals.
    pub gaps: Gaps<Spread>,
    /// The paper's figures for the model and data, if it has any, in the record's unit: the paper's target is
    /// standardised, too.
    pub paper: Option<Gaps<Spread>>,
    /// The table of the paper that they are from.
    pub paper_table: Option<u8>,
    /// Each removal's.
    pub points: Vec<PointGaps>,
}

/// How well influence estimates predict a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// Pearson's, over all pairs of a removal and a test example; none if either does not vary.
    pub pearson: Option<f64>,
    /// Spearman's of the same.
    pub spearman: Option<f64>,
    /// Pearson's over the removals, for each test example by itself, on average.
    pub pearson_within: Option<f64>,
    /// Spearman's of the same.
    pub spearman_within: Option<f64>,
}

/// One number, or none, for each response that the paper compares influence with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Responses<T> {
    /// The proximal Bregman response function.
    pub pbrf: T,
    /// Retraining from the trained parameters.
    pub warm_start: T,
    /// Retraining from the initial parameters.
    pub cold_start: T,
    /// The difference of two retrainings (F.2).
    pub two_stage: T,
}

/// What one removal does to the test losses: `loss(without) - loss(with)`, one number a test example, in the record's
/// unit of losses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointChanges {
    /// Indices of the removed training examples.
    pub removed: Vec<usize>,
    /// As the influence estimate predicts.
    #[serde(deserialize_with = "json::numbers")]
    pub influence: Vec<f64>,
    /// As each response does; empty if it was not asked for.
    #[serde(deserialize_with = "json::responses")]
    pub responses: Responses<Vec<f64>>,
    /// The relative residual of the influence estimate's linear system.
    #[serde(deserialize_with = "json::number")]
    pub residual: f64,
    /// Whether that is within the solver's tolerance.
    pub solved: bool,
    /// Wall-clock seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
}

/// Correlations as the paper prints them: Pearson's and Spearman's, where it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Printed {
    /// Pearson's.
    pub pearson: f64,
    /// Spearman's.
    pub spearman: f64,
    /// The table of the paper that they are from.
    pub table: u8,
}

/// `correlate.json`: what influence estimates predict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Correlations {
    /// What was asked.
    pub setup: Setup,
    /// Removals left out, with the reason.
    pub failed: Vec<FailedPoint>,
    /// Of the influence estimates with each response.
    pub correlations: Responses<Correlation>,
    /// The paper's figures, where it has any.
    pub paper: Responses<Option<Printed>>,
    /// Indices of the test examples.
    pub tests: Vec<usize>,
    /// Each removal's changes.
    pub points: Vec<PointChanges>,
}

/// The gaps at one value of what a sweep varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// The value, such as a width.
    pub value: f64,
    /// The decomposition there; none if the base network could not be trained.
    pub decomposition: Option<Decomposition>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// `sweep.json`: gaps against one setting (Bae et al. 2022, Figure 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// What is varied: `width`, `depth`, `epochs`, `weight-decay`, `damping` or `removed`.
    pub over: String,
    /// One for each value, in order.
    pub points: Vec<SweepPoint>,
}

/// One way to order training examples for inspection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The examples, the most suspect first.
    pub order: Vec<usize>,
    /// Each example's score, by index; larger is more suspect. NaN, `null` in JSON, where it could not be computed.
    /// Empty for the random order.
    #[serde(deserialize_with = "json::numbers")]
    pub scores: Vec<f64>,
    /// Share of the wrong labels found after each inspected example; `found[i]` after `i + 1` of them. NaN if none are
    /// wrong.
    #[serde(deserialize_with = "json::numbers")]
    pub found: Vec<f64>,
    /// Area under that curve, from 0 to 1; 0.5 is chance.
    #[serde(deserialize_with = "json::number")]
    pub area: f64,
    /// Share found by inspecting a fifth of the examples.
    #[serde(deserialize_with = "json::number")]
    pub found_at_fifth: f64,
}

/// `mislabel.json`: finding wrong labels (Bae et al. 2022, Section F.3 and Figure 6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mislabel {
    /// What was asked.
    pub setup: Setup,
    /// Examples whose response could not be computed; they are ranked last.
    pub failed: Vec<FailedPoint>,
    /// Examples whose influence estimate has a residual above the solver's tolerance.
    pub unsolved: usize,
    /// Share of the labels made wrong.
    pub corrupt: f64,
    /// Indices of the examples whose labels are wrong.
    pub wrong: Vec<usize>,
    /// By the influence function's self-influence, by that of the PBRF, by the loss, at random: `influence`, `pbrf`,
    /// `loss`, `random`.
    pub rankings: BTreeMap<String, Ranking>,
}
