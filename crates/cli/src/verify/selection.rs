//! Which removals predictions are held against.

use std::collections::BTreeMap;

use rand::{
    SeedableRng,
    seq::{SliceRandom, index},
};
use rand_chacha::ChaCha8Rng;

use backdraft_report::{PairKind, ScoreRecord};

/// Rounds of a whole verification: so many of the strongest examples of each sign for every query.
const ROUNDS: usize = 5;
/// Examples drawn at random in a round.
const DRAWN: usize = 2;

/// Removals in an order of which any beginning is a fair choice: round by round, the next strongest of each sign of
/// every query between examples drawn at random.
pub(super) struct Selection {
    /// The training examples, each once.
    pub removals: Vec<usize>,
    /// What each removal is to each query, in the order of the scores' rows; no pair where it is nothing.
    pub kinds: Vec<BTreeMap<usize, PairKind>>,
}

impl Selection {
    /// What a whole verification takes, or the first `count` removals.
    pub fn of(scores: &ScoreRecord, seed: u64, count: Option<usize>) -> Self {
        let (n, queries) = (scores.train(), scores.queries().len());
        let count = count.map(|count| count.min(n));
        let drawn = drawn(n, seed);
        let mut rounds = ROUNDS;
        loop {
            let rows: Vec<_> = (0..queries)
                .map(|row| scores.strongest(row, rounds))
                .collect();
            let drawn = &drawn[..n.min(rounds * DRAWN)];
            let mut order = Vec::new();
            for round in 0..rounds {
                let mut random = drawn.iter().skip(round * DRAWN).take(DRAWN);
                for strongest in &rows {
                    let signs = [&strongest.helpful, &strongest.harmful];
                    order.extend(signs.iter().filter_map(|it| Some(it.get(round)?.train)));
                    order.extend(random.next());
                }
                order.extend(random);
            }
            let removals = unique(order, n);
            if count.is_some_and(|count| removals.len() < count) {
                rounds *= 2;
                continue;
            }
            let kinds = rows.iter().map(|strongest| {
                let mut kinds: BTreeMap<_, _> =
                    drawn.iter().map(|&i| (i, PairKind::Random)).collect();
                kinds.extend(
                    strongest
                        .helpful
                        .iter()
                        .map(|it| (it.train, PairKind::Helpful)),
                );
                kinds.extend(
                    strongest
                        .harmful
                        .iter()
                        .map(|it| (it.train, PairKind::Harmful)),
                );
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
    use backdraft_report::Float;

    /// Scores of two queries for so many examples: strong ones of both signs, the strongest first, on even examples for
    /// the first query and on odd ones for the second.
    fn scores(n: usize) -> ScoreRecord {
        let value = |row: usize, i: usize| {
            let size = if i % 2 == row { (n - i) as f64 } else { 1e-6 };
            if (i / 2).is_multiple_of(2) {
                size
            } else {
                -size
            }
        };
        let values = (0..2).flat_map(|row| (0..n).map(move |i| value(row, i)));
        ScoreRecord::new(vec![4, 9], n, values.collect(), Float::F32).expect("they are finite")
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
            for row in 0..2 {
                let strongest = scores.strongest(row, 5);
                assert!(chosen.contains(&strongest.helpful[round].train));
                assert!(chosen.contains(&strongest.harmful[round].train));
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
    fn few_examples_are_all_taken() {
        let scores = scores(3);
        for count in [None, Some(3), Some(100)] {
            let mut removals = Selection::of(&scores, 0, count).removals;
            removals.sort_unstable();
            assert_eq!(removals, [0, 1, 2]);
        }
    }
}
