//! `run.json` of a run that changes training examples.

use serde::{Deserialize, Serialize};

use crate::{Place, Record, RunRecord, TargetValue};

/// Everything about a run that changes training examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PerturbationRecord {
    /// What every run has.
    #[serde(flatten)]
    pub run: RunRecord,
    /// The strongest changes: query by query, those of inputs and then those of labels, the strongest first.
    pub changes: Vec<ChangeRecord>,
    /// Predictions beside the response to those changes that it was computed of, for each kind.
    pub response: Vec<ChangeAgreement>,
    /// Predictions beside training again with those changes that this was done with, for each kind.
    pub retraining: Vec<ChangeAgreement>,
}

impl Record for PerturbationRecord {
    const FILE: &'static str = RunRecord::FILE;
}

/// What of a training example is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// Its inputs.
    Inputs,
    /// Its label, or its target.
    Label,
}

impl ChangeKind {
    /// The kind in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Label => "label",
        }
    }
}

/// One training example changed, and what that does to the loss of one query, in the record's unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeRecord {
    /// Test index of the query.
    pub query: usize,
    /// From 1, among those of the same kind and query.
    pub rank: usize,
    /// What is changed.
    pub kind: ChangeKind,
    /// Index of the training example.
    pub train: usize,
    /// Where it stands.
    pub source: Place,
    /// Its target, and what it becomes.
    #[serde(flatten)]
    pub label: LabelChange,
    /// The predicted change of the query's loss, by the difference of the two gradients.
    pub predicted: f64,
    /// The same to first order in the change of the inputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_order: Option<f64>,
    /// The change under the response, if it was computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<ChangeOutcome>,
    /// The change when the network is trained again, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrained: Option<ChangeOutcome>,
}

/// The target of a changed example.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelChange {
    /// As it is.
    pub label: TargetValue,
    /// As it becomes, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<TargetValue>,
}

/// What really came of a change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ChangeOutcome {
    /// The change of the query's loss.
    Found(f64),
    /// Why it is not known.
    Failed(String),
}

impl ChangeOutcome {
    /// The change, if it is known.
    pub fn found(&self) -> Option<f64> {
        match self {
            Self::Found(change) => Some(*change),
            Self::Failed(_) => None,
        }
    }
}

/// How far predictions for changes of a kind agree with what was found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeAgreement {
    /// What is changed.
    pub kind: ChangeKind,
    /// Pearson's correlation, where both vary.
    pub pearson: Option<f64>,
    /// Spearman's correlation of the same.
    pub spearman: Option<f64>,
    /// Least-squares slope of what was found on what was predicted: 1 if the size is right too.
    pub slope: Option<f64>,
    /// Changes compared.
    pub changes: usize,
    /// Changes of which what they do could not be found.
    pub failed: usize,
}
