//! How sure a correlation is.

use backdraft_influence::statistics::{pearson, spearman};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::VerifiedPair;

/// Removals below which nothing is said.
const LEAST: usize = 5;
/// Samples, unless there are very many pairs.
const SAMPLES: usize = 2_000;
/// Pairs in all samples.
const PAIRS: usize = 20_000_000;
/// Of the interval, what is left out on either side.
const TAIL: f64 = 0.025;
/// Of the random numbers.
const STREAM: u64 = 1;

/// 95 % intervals of the correlations, from the lower to the upper end: percentiles over samples of the removals, drawn
/// with replacement (the bootstrap).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Of Pearson's.
    pub pearson: [f64; 2],
    /// Of Spearman's.
    pub spearman: [f64; 2],
    /// Removals that are sampled.
    pub removals: usize,
    /// Samples drawn.
    pub samples: usize,
}

impl Intervals {
    /// Of the correlations of predicted and found changes. Removals are drawn rather than pairs, because what one does
    /// to several queries is not independent. None for less than five removals, or where too many samples have no
    /// correlation.
    pub fn of(pairs: &[VerifiedPair], seed: u64) -> Option<Self> {
        let mut pairs = pairs.to_vec();
        pairs.sort_by_key(|pair| pair.removed);
        let removals: Vec<&[VerifiedPair]> =
            pairs.chunk_by(|a, b| a.removed == b.removed).collect();
        if removals.len() < LEAST {
            return None;
        }
        let samples = (PAIRS / pairs.len()).clamp(100, SAMPLES);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAM);
        let mut found = [Vec::new(), Vec::new()];
        for _ in 0..samples {
            let (mut predicted, mut actual) = (Vec::new(), Vec::new());
            for _ in 0..removals.len() {
                let drawn = removals[rng.random_range(0..removals.len())];
                predicted.extend(drawn.iter().map(|pair| pair.predicted));
                actual.extend(drawn.iter().map(|pair| pair.found));
            }
            found[0].extend(pearson(&predicted, &actual));
            found[1].extend(spearman(&predicted, &actual));
        }
        let [pearson, spearman] = found.map(|found| percentiles(found, samples));
        Some(Self {
            pearson: pearson?,
            spearman: spearman?,
            removals: removals.len(),
            samples,
        })
    }
}

/// The lower and the upper end.
fn percentiles(mut found: Vec<f64>, samples: usize) -> Option<[f64; 2]> {
    if 10 * found.len() < 9 * samples {
        return None;
    }
    found.sort_by(f64::total_cmp);
    let at = |share: f64| found[((found.len() - 1) as f64 * share).round() as usize];
    Some([at(TAIL), at(1.0 - TAIL)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::PairKind;

    fn pairs(n: usize, noise: f64) -> Vec<VerifiedPair> {
        let pair = |i: usize| {
            let predicted = (1.3 * i as f64).sin();
            VerifiedPair {
                row: 0,
                removed: i,
                predicted,
                newton: None,
                found: predicted + noise * (7.7 * i as f64).sin(),
                kind: PairKind::Random,
            }
        };
        (0..n).map(pair).collect()
    }

    #[test]
    fn fisher_agrees_where_pairs_are_many_and_independent() {
        // Both sines have variance 1/2: a correlation of 1 / sqrt(1 + noise^2).
        let (n, noise) = (400, 0.5);
        let pairs = pairs(n, noise);
        let of = |get: fn(&VerifiedPair) -> f64| pairs.iter().map(get).collect::<Vec<_>>();
        let r = pearson(&of(|it| it.predicted), &of(|it| it.found)).expect("they vary");
        assert!((r - 1.0 / (1.0 + noise * noise).sqrt()).abs() < 0.02, "{r}");
        let found = Intervals::of(&pairs, 0).expect("there are enough");
        // Fisher's interval is for normal numbers; sines have lighter tails, hence no wider an interval.
        let half = 1.96 / ((n - 3) as f64).sqrt();
        let [low, high] = [r.atanh() - half, r.atanh() + half].map(f64::tanh);
        assert!(
            low - 0.02 < found.pearson[0] && found.pearson[0] < r,
            "{found:?}"
        );
        assert!(
            r < found.pearson[1] && found.pearson[1] < high + 0.02,
            "{found:?}"
        );
        assert!(found.pearson[1] - found.pearson[0] > 0.5 * (high - low));
        assert_eq!((found.removals, found.samples), (n, SAMPLES));
        // The seed decides.
        assert_eq!(Intervals::of(&pairs, 0), Some(found));
        assert_ne!(Intervals::of(&pairs, 1), Some(found));
    }

    #[test]
    fn pairs_of_one_removal_do_not_make_it_surer() {
        let once = pairs(30, 1.0);
        let twice = [once.clone(), once.clone()].concat();
        let [once, twice] =
            [once, twice].map(|it| Intervals::of(&it, 0).expect("there are enough"));
        // The same samples, summed in another order.
        for (once, twice) in once.pearson.iter().zip(twice.pearson) {
            assert!((once - twice).abs() < 1e-12);
        }
        assert_eq!(twice.removals, 30);
    }

    #[test]
    fn few_removals_have_none() {
        assert_eq!(Intervals::of(&pairs(4, 0.1), 0), None);
        assert!(Intervals::of(&pairs(5, 0.1), 0).is_some());
        let constant: Vec<_> = pairs(9, 0.1)
            .into_iter()
            .map(|pair| VerifiedPair { found: 0.0, ..pair })
            .collect();
        assert_eq!(Intervals::of(&constant, 0), None);
    }
}
