//! How soon an order of inspection finds the wrong labels.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::json;

/// What training examples are ranked by when wrong labels are looked for, the most suspect first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RankBy {
    /// Self-influence: the predicted change of an example's own loss when it is removed, `1/N <grad L_i, A^-1 grad
    /// L_i>` (Koh & Liang 2017, Section 5.4).
    Influence,
    /// The change of its own loss under the proximal Bregman response to its removal (Bae et al. 2022, F.3).
    Pbrf,
    /// Its loss.
    Loss,
    /// Chance, from the evaluation's seed.
    Random,
}

impl RankBy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Influence, Self::Pbrf, Self::Loss, Self::Random];

    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Influence => "influence",
            Self::Pbrf => "pbrf",
            Self::Loss => "loss",
            Self::Random => "random",
        }
    }

    /// For people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Influence => "self-influence",
            Self::Pbrf => "PBRF",
            Self::Loss | Self::Random => self.name(),
        }
    }
}

/// One way to order training examples for inspection, and how soon it finds those whose labels are wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// The examples, the most suspect first: by falling scores, equal ones by index, and those without one last.
    pub order: Vec<usize>,
    /// Each example's score, by index, in the units of the loss; larger is more suspect. None where it could not be
    /// computed. Empty for an order at random.
    pub scores: Vec<Option<f64>>,
    /// The curve: share of the wrong labels found, `found[i]` after `i + 1` examples were inspected. NaN if none are
    /// wrong.
    #[serde(deserialize_with = "json::numbers")]
    pub found: Vec<f64>,
    /// Area under the curve, from 0 to 1: trapezoids from (0, 0). 0.5 is chance.
    #[serde(deserialize_with = "json::number")]
    pub area: f64,
    /// Share found by inspecting a fifth of the examples.
    #[serde(deserialize_with = "json::number")]
    pub found_at_fifth: f64,
}

impl Ranking {
    /// By `scores`, one an example; `wrong` are the indices of those to be found.
    pub fn of(scores: Vec<Option<f64>>, wrong: &[usize]) -> Self {
        // A stable sort keeps the order of the indices; 0 and -0 are equal, which `total_cmp` alone would not see.
        let key = |&example: &usize| match scores[example] {
            Some(score) if score.is_finite() => score + 0.0,
            _ => f64::NEG_INFINITY,
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| key(b).total_cmp(&key(a)));
        Self {
            scores,
            ..Self::ordered(order, wrong)
        }
    }

    /// In an order that no score gave.
    pub fn ordered(order: Vec<usize>, wrong: &[usize]) -> Self {
        let wrong: HashSet<usize> = wrong.iter().copied().collect();
        let mut count = 0;
        let found: Vec<f64> = order
            .iter()
            .map(|example| {
                count += usize::from(wrong.contains(example));
                count as f64 / wrong.len() as f64
            })
            .collect();
        let sum: f64 = found.iter().sum();
        let last = found.last().copied().unwrap_or(f64::NAN);
        let ranking = Self {
            scores: Vec::new(),
            area: (sum - 0.5 * last) / found.len() as f64,
            order,
            found,
            found_at_fifth: f64::NAN,
        };
        Self {
            found_at_fifth: ranking.found_after(0.2),
            ..ranking
        }
    }

    /// Share of the wrong labels found by inspecting a share of the examples, rounded to whole examples. NaN if no
    /// labels are wrong or there are no examples.
    pub fn found_after(&self, share: f64) -> f64 {
        let inspected = (share * self.found.len() as f64).round() as usize;
        let nothing = self.found.first().map_or(f64::NAN, |found| 0.0 * found);
        let last = inspected.min(self.found.len()).checked_sub(1);
        last.map_or(nothing, |last| self.found[last])
    }

    /// The chance that one of the `wrong` labels is inspected before a right one, from 0 to 1: the area under the
    /// receiver operating characteristic. NaN if no labels are wrong, or all.
    pub fn auc(&self, wrong: usize) -> f64 {
        let share = wrong as f64 / self.found.len() as f64;
        // The area under the curve is that of the triangle above the wrong ones, and the rest.
        (self.area - 0.5 * share) / (1.0 - share)
    }

    /// Share of wrong labels, of which there are `wrong`, among the first examples inspected, a share of all, rounded
    /// to whole examples, but one at least. NaN if no labels are wrong or there are no examples.
    pub fn precision_after(&self, share: f64, wrong: usize) -> f64 {
        let all = self.found.len();
        let inspected = ((share * all as f64).round() as usize).clamp(1, all.max(1));
        self.found_after(inspected as f64 / all as f64) * wrong as f64 / inspected as f64
    }
}
