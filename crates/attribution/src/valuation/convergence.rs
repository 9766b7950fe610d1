//! Means over permutations, and how sure they are.

use std::collections::VecDeque;

/// The share of the largest value below which one is 0 but for rounding.
const ROUNDING: f64 = 1e-12;
/// How many permutations back the values are looked at that present ones are held against.
const BACK: usize = 100;

/// How much the values still changed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvergencePoint {
    /// The permutations made so far, `t`.
    pub permutations: usize,
    /// `1/n sum over i of |phi_i(t) - phi_i(t - 100)| / |phi_i(t)|` (Ghorbani & Zou 2019, Section 3.1). A value of 0
    /// that was 0, but for rounding, counts as unchanged; one that was not makes it infinite.
    pub change: f64,
}

/// Running means of what each player adds, and their variances (Welford 1962).
pub(super) struct Tally {
    permutations: usize,
    /// Permutations, or pairs of them, that are independent of each other.
    draws: usize,
    means: Vec<f64>,
    squares: Vec<f64>,
    /// The first of a pair.
    first: Option<Vec<f64>>,
    pairs: bool,
    /// The means so far, the latest last.
    earlier: VecDeque<(usize, Vec<f64>)>,
}

impl Tally {
    pub fn new(players: usize, pairs: bool) -> Self {
        Self {
            permutations: 0,
            draws: 0,
            means: vec![0.0; players],
            squares: vec![0.0; players],
            first: None,
            pairs,
            earlier: VecDeque::new(),
        }
    }

    /// Adds a permutation, from the performance without any player and after each.
    pub fn add(&mut self, order: &[usize], performance: &[f64]) {
        let mut added = vec![0.0; order.len()];
        for (steps, &player) in performance.windows(2).zip(order) {
            added[player] = steps[1] - steps[0];
        }
        self.permutations += 1;
        let drawn = match (self.pairs, self.first.take()) {
            (false, _) => added,
            (true, None) => {
                self.first = Some(added);
                return;
            }
            (true, Some(first)) => {
                let both = first.iter().zip(&added);
                both.map(|(a, b)| 0.5 * (a + b)).collect()
            }
        };
        self.draws += 1;
        let draws = self.draws as f64;
        for ((mean, square), x) in self.means.iter_mut().zip(&mut self.squares).zip(drawn) {
            let apart = x - *mean;
            *mean += apart / draws;
            *square += apart * (x - *mean);
        }
        self.earlier
            .push_back((self.permutations, self.means.clone()));
        while self.earlier[0].0 + BACK < self.permutations {
            self.earlier.pop_front();
        }
    }

    pub fn permutations(&self) -> usize {
        self.permutations
    }

    pub fn means(&self) -> Vec<f64> {
        self.means.clone()
    }

    /// The mean relative change over the last permutations, once there are enough.
    pub fn change(&self) -> Option<f64> {
        let (at, earlier) = self.earlier.front()?;
        if at + BACK != self.permutations {
            return None;
        }
        let largest = self
            .means
            .iter()
            .fold(0.0, |most: f64, it| most.max(it.abs()));
        let is_zero = |value: &f64| value.abs() <= ROUNDING * largest;
        let relative = |(now, then): (&f64, &f64)| match (is_zero(now), is_zero(then)) {
            (true, true) => 0.0,
            (true, false) => f64::INFINITY,
            (false, _) => (now - then).abs() / now.abs(),
        };
        let sum: f64 = self.means.iter().zip(earlier).map(relative).sum();
        Some(sum / self.means.len() as f64)
    }

    /// Of the means; none for a single draw.
    pub fn standard_errors(&self) -> Option<Vec<f64>> {
        let draws = self.draws as f64;
        let error = |square: &f64| (square / (draws * (draws - 1.0))).sqrt();
        (self.draws > 1).then(|| self.squares.iter().map(error).collect())
    }
}
