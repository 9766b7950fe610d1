//! The parameter vectors between retraining and an influence estimate.

use std::fmt;

use backdraft_influence::response::ResponseKind;
use serde::{Deserialize, Serialize};

/// What is done about a removal. From the first to the sixth, each step changes one thing (Bae et al. 2022, Section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Training again from initial parameters: what [`Retrain`](crate::Retrain) does.
    ColdStart,
    /// Training on from the trained parameters.
    WarmStart,
    /// The same, held close to them (Eqn 7).
    Proximal,
    /// The proximal Bregman response function (Eqn 8).
    Pbrf,
    /// The same, linearised (Eqn 11).
    Linearized,
    /// The influence estimate (Eqn 10).
    Influence,
    /// What training on without the examples changes beside training on with them (F.2).
    TwoStage,
}

impl Stage {
    /// From retraining to the estimate: the ends of the five gaps.
    pub const PATH: [Self; 6] = [
        Self::ColdStart,
        Self::WarmStart,
        Self::Proximal,
        Self::Pbrf,
        Self::Linearized,
        Self::Influence,
    ];

    /// All of them.
    pub(super) const ALL: [Self; 7] = [
        Self::ColdStart,
        Self::WarmStart,
        Self::Proximal,
        Self::Pbrf,
        Self::Linearized,
        Self::Influence,
        Self::TwoStage,
    ];

    /// Its name, in lower case and with hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::ColdStart => "cold-start",
            Self::WarmStart => "warm-start",
            Self::Proximal => "proximal",
            Self::Pbrf => "pbrf",
            Self::Linearized => "linearized",
            Self::Influence => "influence",
            Self::TwoStage => "two-stage",
        }
    }

    /// The objective of a response from the trained parameters.
    pub(super) fn kind(self) -> Option<ResponseKind> {
        match self {
            Self::WarmStart => Some(ResponseKind::Retraining),
            Self::Proximal => Some(ResponseKind::Proximal),
            Self::Pbrf => Some(ResponseKind::Bregman),
            Self::Linearized => Some(ResponseKind::Linearized),
            Self::ColdStart | Self::Influence | Self::TwoStage => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
