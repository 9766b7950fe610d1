//! How soon an order of inspection finds the wrong labels.

use std::collections::HashSet;

use super::{Mislabel, Name, Ranking};

impl Ranking {
    /// Inspects the examples with the largest scores first: equal ones by index, and those without a finite score last.
    ///
    /// `scores` has one number an example; `wrong` are the indices of the examples whose labels are wrong.
    pub fn of(scores: Vec<f64>, wrong: &[usize]) -> Self {
        // A stable sort keeps the order of the indices; 0 and -0 are equal, which `total_cmp` alone would not see.
        let key = |&example: &usize| match scores[example] {
            score if score.is_finite() => score + 0.0,
            _ => f64::NEG_INFINITY,
        };
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| key(b).total_cmp(&key(a)));
        Self {
            scores,
            ..Self::random(order, wrong)
        }
    }

    /// Inspects the examples in an order that no score gave.
    pub fn random(order: Vec<usize>, wrong: &[usize]) -> Self {
        let wrong: HashSet<usize> = wrong.iter().copied().collect();
        let mut count = 0.0;
        let found: Vec<f64> = order
            .iter()
            .map(|example| {
                count += f64::from(u8::from(wrong.contains(example)));
                count / wrong.len() as f64
            })
            .collect();
        // Trapezoids from (0, 0), each as wide as one example.
        let sum: f64 = found.iter().sum();
        let last = found.last().copied().unwrap_or(f64::NAN);
        let area = (sum - 0.5 * last) / found.len() as f64;
        let ranking = Self {
            order,
            scores: Vec::new(),
            found,
            area,
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
}

impl Mislabel {
    /// The rankings' names: the two that need a response first, then what they are held against.
    pub const RANKINGS: [Name; 4] = [
        Name::new("influence", "self-influence"),
        Name::new("pbrf", "PBRF"),
        Name::new("loss", "loss"),
        Name::new("random", "random"),
    ];

    /// The rankings that there are, in the order of [`RANKINGS`](Self::RANKINGS).
    pub fn ordered(&self) -> Vec<(Name, &Ranking)> {
        let named = |name: Name| Some((name, self.rankings.get(name.key)?));
        Self::RANKINGS.into_iter().filter_map(named).collect()
    }
}
