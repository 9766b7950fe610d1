//! Which removals predictions are held against.

use std::collections::BTreeMap;

use rand::{
    SeedableRng,
    seq::{SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::scores::strongest;

/// Rounds of a whole verification: so many of the strongest examples of each sign for every query.
const ROUNDS: usize = 5;
/// Examples drawn at random in a round.
const DRAWN: usize = 2;

/// What a removed training example is to a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PairKind {
    /// It helped: without it the network does worse. Of a loss, among the most positive scores.
    Helpful,
    /// It harmed: without it the network does better. Of a loss, among the most negative scores.
    Harmful,
    /// Among the most positive scores of what is neither better nor worse the more it is, such as an output: without it
    /// that rises.
    Lowering,
    /// Among the most negative scores of such: without it that falls.
    Raising,
    /// Drawn at random.
    Random,
}

impl PairKind {
    /// The kind in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Helpful => "helpful",
            Self::Harmful => "harmful",
            Self::Lowering => "lowering",
            Self::Raising => "raising",
            Self::Random => "random",
        }
    }
}

/// Removals in an order of which any beginning is a fair choice: round by round, the next strongest of each sign of
/// every query between examples drawn at random.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// The training examples, each once.
    pub removals: Vec<usize>,
    /// What each removal is to each query, in the order of the scores' rows; no pair where it is nothing.
    pub kinds: Vec<BTreeMap<usize, PairKind>>,
}

impl Selection {
    /// What a whole verification of `scores` of a loss, one row a query, takes, or the first `count` removals.
    pub fn of(scores: &[Vec<f64>], seed: u64, count: Option<usize>) -> Self {
        let n = scores.first().map_or(0, Vec::len);
        let count = count.map(|count| count.min(n));
        let drawn = drawn(n, seed);
        let mut rounds = ROUNDS;
        loop {
            let rows: Vec<_> = scores.iter().map(|row| strongest(row, rounds)).collect();
            let drawn = &drawn[..n.min(rounds * DRAWN)];
            let mut order = Vec::new();
            for round in 0..rounds {
                let mut random = drawn.iter().skip(round * DRAWN).take(DRAWN);
                for signs in &rows {
                    order.extend(signs.iter().filter_map(|it| Some(it.get(round)?.0)));
                    order.extend(random.next());
                }
                order.extend(random);
            }
            let removals = unique(order, n);
            if count.is_some_and(|count| removals.len() < count) {
                rounds *= 2;
                continue;
            }
            let kinds = rows.iter().map(|[helpful, harmful]| {
                let of = |all: &[(usize, f64)], kind| -> Vec<_> {
                    all.iter().map(|&(example, _)| (example, kind)).collect()
                };
                let mut kinds: BTreeMap<_, _> =
                    drawn.iter().map(|&i| (i, PairKind::Random)).collect();
                kinds.extend(of(helpful, PairKind::Helpful));
                kinds.extend(of(harmful, PairKind::Harmful));
                kinds
            });
            let kinds = kinds.collect();
            let count = count.unwrap_or(removals.len());
            return Self {
                removals: removals[..count].to_vec(),
                kinds,
            };
        }
    }

    /// The same for scores of what is no loss: what examples of positive and of negative scores are.
    #[must_use]
    pub fn with_kinds(mut self, [positive, negative]: [PairKind; 2]) -> Self {
        for kind in self.kinds.iter_mut().flat_map(BTreeMap::values_mut) {
            match kind {
                PairKind::Helpful => *kind = positive,
                PairKind::Harmful => *kind = negative,
                PairKind::Lowering | PairKind::Raising | PairKind::Random => {}
            }
        }
        self
    }
}

/// All training examples at random.
fn drawn(n: usize, seed: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut drawn = index::sample(&mut rng, n, n.min(ROUNDS * DRAWN)).into_vec();
    let mut others: Vec<usize> = (0..n).filter(|index| !drawn.contains(index)).collect();
    others.shuffle(&mut rng);
    drawn.append(&mut others);
    drawn
}

/// The same without what came before.
fn unique(order: Vec<usize>, n: usize) -> Vec<usize> {
    let mut seen = vec![false; n];
    let mut order = order;
    order.retain(|&index| !std::mem::replace(&mut seen[index], true));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores of two queries for so many examples: strong ones of both signs, the strongest first, on even examples for
    /// the first query and on odd ones for the second.
    fn scores(n: usize) -> Vec<Vec<f64>> {
        let value = |row: usize, i: usize| {
            let size = if i % 2 == row { (n - i) as f64 } else { 1e-6 };
            if (i / 2).is_multiple_of(2) {
                size
            } else {
                -size
            }
        };
        let row = |row| (0..n).map(|i| value(row, i)).collect();
        (0..2).map(row).collect()
    }

    #[test]
    fn a_beginning_is_the_same_however_many_follow() {
        let scores = scores(60);
        let whole = Selection::of(&scores, 3, None);
        assert!(whole.removals.len() <= 2 * 10 + 10);
        for count in [1, 7, whole.removals.len()] {
            let some = Selection::of(&scores, 3, Some(count));
            assert_eq!(some.removals, whole.removals[..count]);
        }
        let all = Selection::of(&scores, 3, Some(1_000));
        assert_eq!(all.removals[..whole.removals.len()], whole.removals);
        let mut sorted = all.removals.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..60).collect::<Vec<_>>());
        assert_ne!(Selection::of(&scores, 4, None).removals, whole.removals);
    }

    #[test]
    fn any_beginning_has_both_signs_of_all_queries_and_random_ones() {
        // So many that none of the few strongest is drawn at random too.
        let scores = scores(20_000);
        let choice = Selection::of(&scores, 0, None);
        // A round has the next strongest of both signs of both queries, and two at random.
        for (round, chosen) in choice.removals.chunks(6).enumerate() {
            for row in &scores {
                for sign in strongest(row, 5) {
                    assert!(chosen.contains(&sign[round].0));
                }
            }
            let random = |it: &&usize| {
                choice
                    .kinds
                    .iter()
                    .all(|of| of.get(it) == Some(&PairKind::Random))
            };
            assert_eq!(chosen.iter().filter(random).count(), 2);
        }
        // Five of each sign and ten at random.
        assert!(choice.kinds.iter().all(|kinds| kinds.len() == 20));
    }

    #[test]
    fn kinds_are_named_by_what_is_measured() {
        let loss = Selection::of(&scores(60), 3, None);
        let margin = loss.clone();
        let margin = margin.with_kinds([PairKind::Harmful, PairKind::Helpful]);
        let output = loss.clone();
        let output = output.with_kinds([PairKind::Lowering, PairKind::Raising]);
        for (row, kinds) in loss.kinds.iter().enumerate() {
            for (example, kind) in kinds {
                let expected = match kind {
                    PairKind::Helpful => [PairKind::Harmful, PairKind::Lowering],
                    PairKind::Harmful => [PairKind::Helpful, PairKind::Raising],
                    other => [*other; 2],
                };
                let found = [&margin, &output].map(|it| it.kinds[row][example]);
                assert_eq!(found, expected);
            }
        }
    }

    #[test]
    fn few_examples_are_all_taken() {
        let scores = scores(3);
        for count in [None, Some(3), Some(100)] {
            let mut removals = Selection::of(&scores, 0, count).removals;
            removals.sort_unstable();
            assert_eq!(removals, [0, 1, 2]);
        }
    }
}
