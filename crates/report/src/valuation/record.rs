//! `run.json` of a valuation, and what its tables are made of.

use serde::{Deserialize, Serialize};

use crate::{Place, Record, RunRecord, TargetValue};

/// Everything about a valuation but the values themselves, which are in [`VALUES_FILE`](super::VALUES_FILE).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValuationRecord {
    /// What every run has.
    #[serde(flatten)]
    pub run: RunRecord,
    /// What values are in units of.
    pub performance: MeasuredPerformance,
    /// How many players there are: the training examples, or groups of them.
    pub players: usize,
    /// Whether players are groups.
    pub grouped: bool,
    /// How values were found, one a method.
    pub methods: Vec<MethodRecord>,
    /// How far orders of players agree, for each pair of columns.
    pub agreement: Vec<ValueAgreement>,
    /// What removing players in the order of values does.
    pub curves: Vec<CurveRecord>,
    /// The same in random orders.
    pub random: RandomRecord,
    /// How soon labels that were made wrong on purpose are found, if there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<FoundLabels>,
    /// How many there are.
    pub wrong: usize,
}

impl Record for ValuationRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredPerformance {
    /// `accuracy`, `loss` (minus the mean loss) or `r2`.
    pub name: String,
    /// What it is in, in words.
    pub unit: String,
    /// Test examples that values are measured on.
    pub measured: usize,
    /// Other test examples, that the curves are measured on; 0 if they are the same.
    pub held_out: usize,
    /// How coalitions are trained on, in words.
    pub trained: String,
    /// Which network the empty coalition has, in words.
    pub empty: String,
}

/// How the values of one column were found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MethodRecord {
    /// The column's name, such as `tmc`.
    pub name: String,
    /// In words.
    pub words: String,
    /// The performance of the empty coalition, where there is a game.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub empty: Option<f64>,
    /// The performance of all players.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<f64>,
    /// What the values add up to.
    pub sum: f64,
    /// The mean standard error of the values, where something was drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
    /// Permutations made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permutations: Option<usize>,
    /// Whether they ended by converging.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub converged: Option<bool>,
    /// After so many permutations, the mean relative change over the last 100; null where it is infinite.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub convergence: Vec<(usize, Option<f64>)>,
    /// Players looked at in all permutations: trainings, or steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looked_at: Option<usize>,
    /// How near to the performance of all players a permutation was cut off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// The step size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning_rate: Option<f64>,
    /// Nearest neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbours: Option<usize>,
}

/// The values of all players by one method.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueColumn {
    /// Its name, as its method's.
    pub name: String,
    /// One a player, in the unit of the method.
    pub values: Vec<f64>,
    /// Their standard errors, where something was drawn.
    pub standard_errors: Option<Vec<f64>>,
}

/// A player.
#[derive(Clone, Debug, PartialEq)]
pub struct Player {
    /// Index of the training example, or the group's name.
    pub name: String,
    /// How many examples it is.
    pub examples: usize,
    /// Its target; none of a group.
    pub label: Option<TargetValue>,
    /// Where it stands; none of a group.
    pub source: Option<Place>,
    /// How many of its labels were made wrong on purpose.
    pub wrong: usize,
}

/// How far two columns agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueAgreement {
    /// One.
    pub a: String,
    /// The other.
    pub b: String,
    /// Pearson's correlation, where both vary.
    pub pearson: Option<f64>,
    /// Spearman's.
    pub spearman: Option<f64>,
}

/// The performance of what is left as players are taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurveRecord {
    /// The column whose order it is.
    pub by: String,
    /// Players taken away, from none to all.
    pub removed: Vec<usize>,
    /// The performance of the others, those of the highest values taken first.
    pub highest_first: Vec<f64>,
    /// Those of the lowest values taken first; backwards, what adding the highest first does.
    pub lowest_first: Vec<f64>,
}

impl CurveRecord {
    /// The mean performance over all steps, the highest values taken first, and the lowest.
    pub fn means(&self) -> [f64; 2] {
        [mean(&self.highest_first), mean(&self.lowest_first)]
    }
}

/// The same in random orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RandomRecord {
    /// How many orders.
    pub orders: usize,
    /// Players taken away, from none to all.
    pub removed: Vec<usize>,
    /// The mean performance of the others.
    pub mean: Vec<f64>,
    /// Its standard deviation over the orders.
    pub std: Vec<f64>,
}

impl RandomRecord {
    /// The mean performance over all steps.
    pub fn mean(&self) -> f64 {
        mean(&self.mean)
    }
}

/// How soon wrong labels are found by looking at players of the lowest values first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FoundLabels {
    /// The column whose order it is; `random` for chance.
    pub by: String,
    /// Share found after each player.
    pub found: Vec<f64>,
    /// The area under that curve.
    pub area: f64,
    /// Share found after a fifth of the players.
    pub found_at_fifth: f64,
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
