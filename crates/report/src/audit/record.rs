//! `run.json` of an audit.

use backdraft_attribution::{AuditBy, Ranking};
use serde::{Deserialize, Serialize};

use crate::{ModelQuality, Place, Record, RunRecord, TargetValue};

/// The shares of the examples after whose inspection planted errors are counted.
pub const SHARES: [f64; 3] = [0.01, 0.05, 0.1];

/// Everything about an audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// What every run has.
    #[serde(flatten)]
    pub run: RunRecord,
    /// What the examples are ranked by.
    pub by: AuditBy,
    /// How answers without each example were found, in words; of sequences self-influence.
    pub method: String,
    /// Examples for which the network would give another class without them; none for values.
    pub other_class: Option<usize>,
    /// The most suspect examples, the first first.
    pub suspects: Vec<SuspectRecord>,
    /// How soon labels that were made wrong on purpose are found, if some were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<PlantedRecord>,
    /// What corrections changed, if some were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrections: Option<CorrectionRecord>,
}

impl AuditRecord {
    /// Whether it is of sequences, with the words of a text to look at.
    pub(super) fn is_of_text(&self) -> bool {
        self.suspects.iter().any(|it| it.token.is_some())
    }
}

impl Record for AuditRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// One training example, and why its target may be wrong. Losses and changes of losses are in the record's unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SuspectRecord {
    /// From 1.
    pub rank: usize,
    /// Index of the training example.
    pub train: usize,
    /// Where it stands.
    pub source: Place,
    /// Its target.
    pub label: TargetValue,
    /// What the network would say without it; none if it is fitted by itself alone.
    pub suggested: Option<TargetValue>,
    /// The probability of that, of a class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// The margin that the network would give its target without it: of a class `log(p / (1 - p))`, of a value minus
    /// the distance, in the target's units.
    pub left_out_margin: Option<f64>,
    /// The margin that it gives it now.
    pub margin: f64,
    /// Its loss.
    pub loss: f64,
    /// The predicted change of its loss when it is removed, by influence; none of sequences if it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_influence: Option<f64>,
    /// The same by the Newton estimate.
    pub newton: Option<f64>,
    /// The predicted change of the mean test loss when it is removed: negative if it does harm.
    pub score: Option<f64>,
    /// How far it is fitted by itself alone, from 0 to 1; none of sequences.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leverage: Option<f64>,
    /// Its true target, where the one it has was made wrong on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truth: Option<TargetValue>,
    /// Of a sequence its worst token: label, suggestion, probability and margin are of that, as the network is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<WorstToken>,
}

/// The token of a sequence that the network takes for the least likely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorstToken {
    /// Its place, counted from 0.
    pub place: usize,
    /// Where it stands in the source.
    pub source: Place,
    /// Its own loss.
    pub loss: f64,
    /// The words of the sequence.
    pub text: String,
    /// The place of the token that was made wrong on purpose, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planted: Option<usize>,
}

/// How soon labels that were made wrong on purpose are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantedRecord {
    /// How many there are.
    pub wrong: usize,
    /// Among so many examples.
    pub examples: usize,
    /// By everything that examples can be ranked by.
    pub rankings: Vec<PlantedRanking>,
    /// How many of the wrong labels the suggestion sets right.
    pub restored: usize,
}

/// How soon one order finds them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlantedRanking {
    /// The order.
    pub by: AuditBy,
    /// The chance that a wrong label is ranked before a right one: the area under the receiver operating
    /// characteristic.
    pub auc: f64,
    /// The share of wrong labels among the first so many, for each of [`SHARES`].
    pub precision: Vec<f64>,
}

impl PlantedRecord {
    /// Of rankings by each order.
    pub fn new(
        rankings: impl IntoIterator<Item = (AuditBy, Ranking)>,
        wrong: usize,
        examples: usize,
        restored: usize,
    ) -> Self {
        let ranking = |(by, found): (AuditBy, Ranking)| PlantedRanking {
            by,
            auc: found.auc(wrong),
            precision: SHARES.map(|it| found.precision_after(it, wrong)).to_vec(),
        };
        Self {
            wrong,
            examples,
            rankings: rankings.into_iter().map(ranking).collect(),
            restored,
        }
    }
}

/// What training on corrected targets changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionRecord {
    /// The file of the corrections.
    pub file: String,
    /// Targets that are others.
    pub relabelled: usize,
    /// Examples that are left out.
    pub removed: usize,
    /// How many of the labels that were made wrong on purpose have their true one again, or are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restored: Option<usize>,
    /// The change of the mean test loss that influence predicts for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predicted: Option<f64>,
    /// Before, on the training examples as they were.
    pub before: ModelQuality,
    /// Of a network that was trained elsewhere: after being trained on as long on the training examples as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_given: Option<ModelQuality>,
    /// After, on the corrected ones.
    pub after: ModelQuality,
}
