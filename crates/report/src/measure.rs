//! What is measured of a query, and what a change of it means.

use backdraft_attribution::verify::PairKind;
use serde::{Deserialize, Serialize};

use super::{Unit, count};

/// What is measured of every query: what scores are changes of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// As it is asked for, such as `loss` or `logit:3`.
    pub name: String,
    /// In words that go with "the", such as `loss` or `logit of class 3`.
    pub words: String,
    /// What it, and so scores, are in.
    pub unit: String,
    /// What it and scores were multiplied by to be in that unit.
    pub factor: f64,
    /// What a rise of it means.
    pub rise: Rise,
    /// Of how many test examples it is the mean; none if it is of each query by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_over: Option<usize>,
}

/// What it means that what is measured rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rise {
    /// The network does worse, as by a loss: an example without which it rises helped.
    Worse,
    /// The network does better, as by the probability of the right class: an example without which it rises harmed.
    Better,
    /// Neither, as of an output: an example without which it rises lowers it.
    Neither,
}

impl Measure {
    /// The loss that the network was trained with.
    pub fn loss(unit: &Unit) -> Self {
        Self {
            name: "loss".into(),
            words: "loss".into(),
            unit: unit.loss.clone(),
            factor: unit.loss_factor,
            rise: Rise::Worse,
            mean_over: None,
        }
    }

    /// The same, of the mean over `examples` test examples.
    #[must_use]
    pub fn mean(self, examples: usize) -> Self {
        Self {
            mean_over: Some(examples),
            ..self
        }
    }

    /// What it is called after "the": `loss`, or `mean loss`.
    pub fn quantity(&self) -> String {
        match self.mean_over {
            Some(_) => format!("mean {}", self.words),
            None => self.words.clone(),
        }
    }

    /// What it is of, after "the": `query's loss`, or `mean loss over 360 test examples`.
    pub fn subject(&self) -> String {
        match self.mean_over {
            Some(examples) => format!("mean {} over {} test examples", self.words, count(examples)),
            None => format!("query's {}", self.words),
        }
    }

    /// Whether it is the loss.
    pub fn is_loss(&self) -> bool {
        self.name == "loss"
    }

    /// What training examples with the most positive scores are, and those with the most negative ones.
    pub fn kinds(&self) -> [PairKind; 2] {
        match self.rise {
            Rise::Worse => [PairKind::Helpful, PairKind::Harmful],
            Rise::Better => [PairKind::Harmful, PairKind::Helpful],
            Rise::Neither => [PairKind::Lowering, PairKind::Raising],
        }
    }

    /// What belongs to positive and to negative scores, each with its kind: helpful ones, or those that raise what is
    /// measured, first.
    pub(super) fn sides<T>(&self, positive: T, negative: T) -> [(PairKind, T); 2] {
        let [of_positive, of_negative] = self.kinds();
        let sides = [(of_positive, positive), (of_negative, negative)];
        match self.rise {
            Rise::Worse => sides,
            Rise::Better | Rise::Neither => {
                let [positive, negative] = sides;
                [negative, positive]
            }
        }
    }

    /// What a score's sign and size mean, as written into every file of scores.
    pub fn sign(&self) -> String {
        let words = self.quantity();
        let subject = self.subject();
        let meaning = match self.rise {
            Rise::Worse => format!(
                "positive: removing the example raises the {words}, it helped; negative: it harmed"
            ),
            Rise::Better => format!(
                "positive: removing the example raises the {words}, it harmed; negative: it helped"
            ),
            Rise::Neither => format!(
                "positive: removing the example raises the {words}, it lowers it; negative: it raises it"
            ),
        };
        let of = if self.is_loss() { "loss" } else { "value" };
        format!(
            "predicted change of the {subject} when the training example is removed, {of}(without) - {of}(with), to first \
             order, the factor 1/N included; {meaning}; in the units of the {words}"
        )
    }

    /// What is measured, in what, and what scores' signs mean, in a line.
    pub fn told(&self) -> String {
        let meaning = match self.rise {
            Rise::Worse => "helped",
            Rise::Better => "harmed",
            Rise::Neither => "lowers it",
        };
        let subject = match self.mean_over {
            Some(_) => self.subject(),
            None => format!("{} of each query", self.words),
        };
        format!(
            "the {subject}, in {}; a training example with a positive score {meaning}: without it, it rises",
            self.unit
        )
    }
}

/// What an example of a kind did, for a sentence about what is measured.
pub(super) fn did(kind: PairKind) -> &'static str {
    match kind {
        PairKind::Helpful => "helped",
        PairKind::Harmful => "harmed",
        PairKind::Raising => "raised it",
        PairKind::Lowering => "lowered it",
        PairKind::Random => "was drawn",
    }
}

/// How a kind is drawn and coloured: as what helps, as what harms, or as neither.
pub(super) fn class(kind: PairKind) -> &'static str {
    match kind {
        PairKind::Helpful | PairKind::Raising => "helpful",
        PairKind::Harmful | PairKind::Lowering => "harmful",
        PairKind::Random => "random",
    }
}
