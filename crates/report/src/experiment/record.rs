//! What an experiment asked and found: every raw number, and what they come to.

use std::collections::BTreeMap;

use backdraft_attribution::evaluate::{
    ByResponse, Changes, Correlation, FailedRemoval, Gaps, RankBy, Ranking, RemovalGaps, Spread,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ModelQuality, Place, Sizes, Unit, Versions};

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
    pub metrics: ModelQuality,
    /// Everything else, under its own names beside the above.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

/// `decompose.json`: where an influence estimate and retraining part ways.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecompositionRecord {
    /// What was asked.
    pub setup: Setup,
    /// Removals left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// Over all removals.
    pub gaps: Gaps<Spread>,
    /// The paper's figures for the model and data, if it has any, in the record's unit: the paper's target is
    /// standardised, too.
    pub paper: Option<Gaps<Spread>>,
    /// The table of the paper that they are from.
    pub paper_table: Option<u8>,
    /// Each removal's.
    pub points: Vec<RemovalGaps>,
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
pub struct CorrelationsRecord {
    /// What was asked.
    pub setup: Setup,
    /// Removals left out, with the reason.
    pub failed: Vec<FailedRemoval>,
    /// Of the influence estimates with each response.
    pub correlations: ByResponse<Correlation>,
    /// The paper's figures, where it has any.
    pub paper: ByResponse<Option<Printed>>,
    /// Indices of the test examples.
    pub tests: Vec<usize>,
    /// Each removal's changes.
    pub points: Vec<Changes>,
}

/// The gaps at one value of what a sweep varies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPointRecord {
    /// The value, such as a width.
    pub value: f64,
    /// The decomposition there; none if the base network could not be trained.
    pub decomposition: Option<DecompositionRecord>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// `sweep.json`: gaps against one setting (Bae et al. 2022, Figure 5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// What is varied: `width`, `depth`, `epochs`, `weight-decay`, `damping` or `removed`.
    pub over: String,
    /// One for each value, in order.
    pub points: Vec<SweepPointRecord>,
}

/// `mislabel.json`: finding wrong labels (Bae et al. 2022, Section F.3 and Figure 6).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MislabelRecord {
    /// What was asked.
    pub setup: Setup,
    /// Examples whose response could not be computed; they are ranked last.
    pub failed: Vec<FailedRemoval>,
    /// Examples whose influence estimate has a residual above the solver's tolerance.
    pub unsolved: usize,
    /// Share of the labels made wrong.
    pub corrupt: f64,
    /// Indices of the examples whose labels are wrong.
    pub wrong: Vec<usize>,
    /// Those asked for.
    pub rankings: BTreeMap<RankBy, Ranking>,
}
