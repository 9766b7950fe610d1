//! `run.json` of a run that forgets training examples.

use backdraft_attribution::{Certificate, Membership, Regularity};
use serde::{Deserialize, Serialize};

use crate::{Place, Quality, Record, RunRecord, TargetValue};

/// Everything about a run that forgets training examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnlearningRecord {
    /// What every run has; its network is the one that was trained on everything.
    #[serde(flatten)]
    pub run: RunRecord,
    /// What was forgotten.
    pub forgotten: Vec<ForgottenExample>,
    /// Steps of the training, and of retraining.
    pub steps: usize,
    /// Networks retrained from other seeds, which the membership test is calibrated on.
    pub references: usize,
    /// The bounds of the losses' derivatives that certificates go by, if there are any, and where they are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regularity: Option<Regularity>,
    /// The network as it was trained first, then the retrained one, then what the methods came to.
    pub networks: Vec<UnlearnedRecord>,
}

impl Record for UnlearningRecord {
    const FILE: &'static str = RunRecord::FILE;
}

impl UnlearningRecord {
    /// What a method came to, by the steps that it took.
    pub fn of(&self, method: UnlearningMethod) -> impl Iterator<Item = &UnlearnedRecord> {
        self.networks.iter().filter(move |it| it.method == method)
    }

    /// The network that was trained on everything.
    pub fn trained(&self) -> Option<&UnlearnedRecord> {
        self.of(UnlearningMethod::Trained).next()
    }

    /// The network retrained without the examples.
    pub fn retrained(&self) -> Option<&UnlearnedRecord> {
        self.of(UnlearningMethod::Retrain).next()
    }
}

/// A training example that is to be forgotten.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForgottenExample {
    /// Its index.
    pub train: usize,
    /// Where it stands.
    pub source: Place,
    /// Its target.
    pub label: TargetValue,
}

/// How a network came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnlearningMethod {
    /// Trained on everything: nothing is forgotten.
    Trained,
    /// Trained again without the examples: what the others are held against.
    Retrain,
    /// Descent-to-delete.
    D2d,
    /// Rewind-to-delete.
    R2d,
    /// One influence estimate.
    Influence,
    /// One Newton step.
    Newton,
}

impl UnlearningMethod {
    /// The method in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trained => "trained",
            Self::Retrain => "retrain",
            Self::D2d => "d2d",
            Self::R2d => "r2d",
            Self::Influence => "influence",
            Self::Newton => "newton",
        }
    }
}

/// A network, and how near it is to the retrained one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnlearnedRecord {
    /// How it came to be.
    pub method: UnlearningMethod,
    /// The steps that it took, as a share of the training's; none for those that take none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// The steps themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<usize>,
    /// What that took.
    pub seconds: f64,
    /// Why there is none, if it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// The Euclidean distance of the parameters from the retrained ones.
    pub parameter_distance: Option<f64>,
    /// The Euclidean distance of the outputs for an example from those of the retrained network, in the record's unit,
    /// on average over the forgotten examples.
    pub forgotten_distance: Option<f64>,
    /// The same over the test examples.
    pub test_distance: Option<f64>,
    /// How good it is, part by part.
    pub quality: Option<PartQuality>,
    /// Whether the forgotten examples can be told from test examples by their losses: 0.5 if not.
    pub by_loss: Option<Membership>,
    /// The same by losses less what they are for networks that have never seen the examples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibrated: Option<Membership>,
    /// What is certified, for methods for which there can be something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateRecord>,
    /// The file of its weights, in the run's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// How good a network is on what it was to forget, on the other training examples, and on the test part.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartQuality {
    /// What was to be forgotten.
    pub forgotten: Quality,
    /// What was to be kept.
    pub retained: Quality,
    /// The test part.
    pub test: Quality,
}

/// What is certified of an unlearned network, or why nothing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CertificateRecord {
    /// That it is as good as retrained, with noise.
    Certified {
        /// The bound of its distance from the retrained parameters, and the noise that hides it.
        #[serde(flatten)]
        certificate: Certificate,
        /// Steps of the retraining that it is held against.
        retrained_steps: usize,
        /// How good it is on the test part with such noise.
        noisy_test: Option<Quality>,
    },
    /// What the certificate assumes and is not so.
    Refused {
        /// In words.
        refused: String,
    },
}

impl CertificateRecord {
    /// The bound of the distance, if there is one.
    pub fn bound(&self) -> Option<f64> {
        match self {
            Self::Certified { certificate, .. } => Some(certificate.distance),
            Self::Refused { .. } => None,
        }
    }
}
