//! What training examples are ranked by.

use serde::{Deserialize, Serialize};

use super::AuditedExample;

/// What an audit ranks training examples by, the most suspect first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditBy {
    /// The margin that the network would give an example's target without the example, the lowest first.
    LeftOut,
    /// The predicted rise of an example's own loss when it is removed, by the Newton estimate.
    Newton,
    /// The same by influence (Koh & Liang 2017, Section 5.4).
    SelfInfluence,
    /// What its removal is predicted to lower: the harm that it does to what was named.
    Harm,
    /// Its loss.
    Loss,
    /// The margin that the network gives its target, the lowest first.
    Margin,
}

impl AuditBy {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::LeftOut,
        Self::Newton,
        Self::SelfInfluence,
        Self::Harm,
        Self::Loss,
        Self::Margin,
    ];

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LeftOut => "left-out",
            Self::Newton => "newton",
            Self::SelfInfluence => "self-influence",
            Self::Harm => "harm",
            Self::Loss => "loss",
            Self::Margin => "margin",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::LeftOut => "left-out margin",
            Self::Newton => "Newton self-influence",
            Self::SelfInfluence => "self-influence",
            Self::Harm => "harm to the test set",
            Self::Loss | Self::Margin => self.name(),
        }
    }

    /// How suspect the example is; larger is more suspect. None where it cannot be told.
    pub fn of(self, example: &AuditedExample) -> Option<f64> {
        match self {
            Self::LeftOut => example.left_out_margin.map(|it| -it),
            Self::Newton => example.newton,
            Self::SelfInfluence => example.self_influence,
            Self::Harm => example.score.map(|it| -it),
            Self::Loss => Some(example.loss),
            Self::Margin => Some(-example.margin),
        }
    }
}
