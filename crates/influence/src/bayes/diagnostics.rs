//! Whether chains have mixed: R-hat and effective sample sizes (Vehtari, Gelman, Simpson, Carpenter & Bürkner 2021).

use serde::{Deserialize, Serialize};

use super::normal::quantile;

/// What R-hat must not be above, and the draws that a chain's are worth at least, for chains to count as mixed.
const MOST_R_HAT: f64 = 1.01;
const LEAST_ESS: f64 = 100.0;
/// Draws of half a chain below which nothing is said.
const LEAST: usize = 4;

/// How far the chains of one number have mixed. Each is none where it is not defined: for a number that never changes,
/// or for fewer than eight draws a chain.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Convergence {
    /// 1 where the halves of all chains have one distribution, more where they differ; infinite, and null in JSON,
    /// where none of them moves.
    pub r_hat: Option<f64>,
    /// How many independent draws the chains are worth for the middle of the distribution.
    pub bulk_ess: Option<f64>,
    /// The same for its 5 % and 95 % quantiles, the smaller of both.
    pub tail_ess: Option<f64>,
}

impl Convergence {
    /// Of draws, a list a chain, all of one length.
    pub fn of(chains: &[Vec<f64>]) -> Self {
        Self {
            r_hat: r_hat(chains),
            bulk_ess: bulk_ess(chains),
            tail_ess: tail_ess(chains),
        }
    }

    /// Whether R-hat is at most 1.01 and either sample size at least 100 for each of `chains`: what Vehtari et al. ask
    /// for. Without numbers it is not.
    pub fn is_good(&self, chains: usize) -> bool {
        let enough = |ess: Option<f64>| ess.is_some_and(|it| it >= LEAST_ESS * chains as f64);
        let close = self.r_hat.is_some_and(|it| it <= MOST_R_HAT);
        close && enough(self.bulk_ess) && enough(self.tail_ess)
    }
}

/// R-hat of split chains, by normal scores of the ranks of the draws and of their distances from the median, the larger
/// of both (Vehtari et al. 2021, Eqns 1 to 4 and 14).
pub fn r_hat(chains: &[Vec<f64>]) -> Option<f64> {
    let split = split(chains)?;
    let median = at_share(&split.concat(), 0.5);
    let folded = map(&split, |x| (x - median).abs());
    let found = [&split, &folded].map(|it| scale_reduction(&normal_scores(it)));
    match found {
        [Some(a), Some(b)] => Some(a.max(b)),
        [a, b] => a.or(b),
    }
}

/// The effective sample size for the middle of the distribution: of normal scores of ranks (Vehtari et al. 2021, Eqns
/// 10 to 14). It may exceed the number of draws, where these go to and fro.
pub fn bulk_ess(chains: &[Vec<f64>]) -> Option<f64> {
    ess(&normal_scores(&split(chains)?))
}

/// The smaller of the effective sample sizes for the 5 % and the 95 % quantile.
pub fn tail_ess(chains: &[Vec<f64>]) -> Option<f64> {
    let (split, all) = (split(chains)?, chains.concat());
    let of = |share: f64| {
        let bound = at_share(&all, share);
        ess(&map(&split, |x| f64::from(u8::from(x <= bound))))
    };
    Some(of(0.05)?.min(of(0.95)?))
}

/// Both halves of every chain, without the middle draw of an odd number; none where draws are too few, not finite, of
/// different number, or all the same.
fn split(chains: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let draws = chains.first()?.len();
    let half = draws / 2;
    let finite = |chain: &Vec<f64>| chain.iter().all(|it| it.is_finite());
    if half < LEAST || !chains.iter().all(|it| it.len() == draws && finite(it)) {
        return None;
    }
    let first = chains[0][0];
    if chains.iter().flatten().all(|it| *it == first) {
        return None;
    }
    let halves = chains.iter();
    let halves = halves.flat_map(|it| [it[..half].to_vec(), it[draws - half..].to_vec()]);
    Some(halves.collect())
}

fn map(chains: &[Vec<f64>], of: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
    let mapped = |chain: &Vec<f64>| chain.iter().map(|it| of(*it)).collect();
    chains.iter().map(mapped).collect()
}

/// The number below which so large a share of `numbers` lies, between two neighbours on the line through them.
fn at_share(numbers: &[f64], share: f64) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * (sorted.len() - 1) as f64;
    let (low, rest) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(sorted.len() - 1);
    sorted[low] + rest * (sorted[high] - sorted[low])
}

/// Normal numbers of the same ranks over all chains (Blom 1958).
fn normal_scores(chains: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let all = chains.concat();
    let ranks = crate::statistics::ranks(&all);
    let count = all.len() as f64;
    let scores: Vec<f64> = ranks
        .into_iter()
        .map(|rank| quantile((rank - 0.375) / (count + 0.25)))
        .collect();
    let draws = chains[0].len();
    scores.chunks_exact(draws).map(<[f64]>::to_vec).collect()
}

/// `W`, the mean variance within chains, and `var+`, the estimate of the variance from within and between them.
fn variances(chains: &[Vec<f64>]) -> (f64, f64) {
    let draws = chains[0].len() as f64;
    let means: Vec<f64> = chains.iter().map(|it| mean(it)).collect();
    let within = chains.iter().map(|it| variance(it)).sum::<f64>() / chains.len() as f64;
    // A single chain was split: there are two at least.
    (within, within * (draws - 1.0) / draws + variance(&means))
}

fn scale_reduction(chains: &[Vec<f64>]) -> Option<f64> {
    let (within, all) = variances(chains);
    let found = (all / within).sqrt();
    (!found.is_nan()).then_some(found)
}

/// The effective sample size, by autocorrelations up to where the sum of two neighbouring ones is no longer positive,
/// made monotone (Geyer 1992).
fn ess(chains: &[Vec<f64>]) -> Option<f64> {
    let (within, all) = variances(chains);
    let draws = chains[0].len();
    let total = (chains.len() * draws) as f64;
    // NaN among them.
    if all.is_nan() || all <= 0.0 {
        return None;
    }
    let at = |lag: usize| {
        let covariances = chains.iter().map(|it| autocovariance(it, lag));
        1.0 - (within - covariances.sum::<f64>() / chains.len() as f64) / all
    };
    let (mut even, mut odd) = (1.0, at(1));
    let (mut sum, mut least, mut lag) = (0.0, f64::INFINITY, 0);
    while even + odd > 0.0 && lag + 4 < draws {
        least = f64::min(least, even + odd);
        sum += least;
        lag += 2;
        (even, odd) = (at(lag), at(lag + 1));
    }
    // The first of the pair that was not counted improves the estimate for chains that go to and fro.
    let last = even.max(0.0);
    let time = (2.0 * sum - 1.0 + last).max(1.0 / total.log10());
    Some(total / time)
}

/// Over the number of draws, whatever the lag.
fn autocovariance(chain: &[f64], lag: usize) -> f64 {
    let mean = mean(chain);
    let pairs = chain.iter().zip(&chain[lag..]);
    let sum = pairs.map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    sum / chain.len() as f64
}

fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

fn variance(numbers: &[f64]) -> f64 {
    // Their mean may differ from equal numbers by rounding.
    if numbers.iter().all(|it| *it == numbers[0]) {
        return 0.0;
    }
    let mean = mean(numbers);
    let squares = numbers.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
    squares / (numbers.len() - 1) as f64
}
