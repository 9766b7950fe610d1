//! Shapley values as means over random orders.

use burn::config::Config;
use rand::{RngCore, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    ConvergencePoint, Parts, ShapleyValues, Sharded, ValuationError, convergence::Tally,
    game::finite,
};

/// Permutations after which convergence is looked at again.
const EVERY: usize = 10;

/// A way through an order of players: what performance is after each of them.
pub trait PermutationWalk {
    /// What it is called in a store.
    fn name(&self) -> &'static str;

    /// How many players there are.
    fn players(&self) -> usize;

    /// Performance without any player and after each of `order`; `seed` settles what else is drawn on the way.
    ///
    /// # Errors
    /// Whatever keeps it from being known.
    fn walk(&self, order: &[usize], seed: u64) -> Result<Walked, ValuationError>;

    /// What settles it beside the order, in words.
    fn settings(&self) -> String;
}

/// What a walk came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Walked {
    /// Performance without any player, and after each: one more than players.
    pub performance: Vec<f64>,
    /// How many players were looked at before the walk was cut off; all of them if it was not.
    pub looked_at: usize,
}

/// Settings of values from permutations.
#[derive(Config, Debug, PartialEq)]
pub struct PermutationConfig {
    /// The most permutations.
    #[config(default = 1_000)]
    pub permutations: usize,
    /// Where orders come from: the permutation number `k` is the same whatever others are made.
    #[config(default = 0)]
    pub seed: u64,
    /// Ends once the values have changed by less than this share of themselves, on average, over the last 100
    /// permutations (Ghorbani & Zou 2019: 0.05); none makes all.
    #[config(default = "Some(0.05)")]
    pub convergence: Option<f64>,
    /// Whether every second permutation is the one before backwards, which makes means surer where a player gives less
    /// the later it comes (Mitchell et al. 2022).
    #[config(default = false)]
    pub antithetic: bool,
}

impl Default for PermutationConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// Values from permutations, and how sure they are.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledValues {
    /// The values with their standard errors, which are those of the permutations drawn: what truncation leaves out is
    /// none of them.
    pub shapley: ShapleyValues,
    /// How many permutations they are the mean of.
    pub permutations: usize,
    /// Whether they ended by converging.
    pub converged: bool,
    /// The statistic of convergence, from the 110th permutation on, every 10.
    pub convergence: Vec<ConvergencePoint>,
    /// Players looked at in all permutations: trainings, or steps.
    pub looked_at: usize,
}

impl PermutationConfig {
    /// The values of what `walk` goes through. Every permutation is a part. A shard makes all of its own up to the
    /// most, as it cannot see whether the values have converged; put together, they end where one process would.
    ///
    /// # Errors
    /// [`ValuationError::Setting`] for no permutations, an odd number of antithetic ones, or a convergence that is not
    /// finite and positive; [`ValuationError::Empty`] for no players; [`ValuationError::NotFinite`]; those of the walk
    /// and the store.
    pub fn run(
        &self,
        walk: &dyn PermutationWalk,
        parts: &Parts<'_>,
    ) -> Result<Sharded<SampledValues>, ValuationError> {
        let n = walk.players();
        self.check(n)?;
        let settings = [
            &*walk.settings(),
            &format!("{n} {} {}", self.seed, self.antithetic),
        ];
        let kept = parts.of(walk.name(), &settings, self.permutations);
        let mut sample = Sample::new(n, self.antithetic);
        let (mut done, mut left) = (0, 0);
        for index in 0..self.permutations {
            let (order, seed) = self.permutation(index, n);
            let Some(found) = kept.part(index, n + 2, || walked(walk, &order, seed))? else {
                left += 1;
                continue;
            };
            done += 1;
            if left == 0 {
                sample.add(&order, &found);
                if self.enough(sample.change()) {
                    break;
                }
            }
        }
        Ok(match left {
            0 => Sharded::Whole(sample.values(self)),
            left => Sharded::Part { done, left },
        })
    }

    /// Whether values that change by so much have converged.
    fn enough(&self, change: Option<f64>) -> bool {
        self.convergence.zip(change).is_some_and(|it| it.1 < it.0)
    }

    /// The permutation number `index`, and a seed of its own.
    fn permutation(&self, index: usize, n: usize) -> (Vec<usize>, u64) {
        let (stream, backwards) = match self.antithetic {
            true => (index / 2, index % 2 == 1),
            false => (index, false),
        };
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(stream as u64);
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        if backwards {
            order.reverse();
        }
        (order, rng.next_u64())
    }

    fn check(&self, players: usize) -> Result<(), ValuationError> {
        let refuse = |name, problem: String| Err(ValuationError::setting(name, problem));
        if players == 0 {
            return Err(ValuationError::Empty { what: "players" });
        }
        if self.permutations == 0 {
            return refuse("permutations", "is 0, must be at least 1".into());
        }
        if self.antithetic && !self.permutations.is_multiple_of(2) {
            let problem = format!("is {}, must be even: they come in pairs", self.permutations);
            return refuse("permutations", problem);
        }
        match self.convergence {
            Some(it) if !(it.is_finite() && it > 0.0) => refuse(
                "convergence",
                format!("is {it}, must be positive and finite"),
            ),
            _ => Ok(()),
        }
    }
}

/// The numbers of a part: the performances of a walk, and how many players it looked at.
fn walked(
    walk: &dyn PermutationWalk,
    order: &[usize],
    seed: u64,
) -> Result<Vec<f64>, ValuationError> {
    let Walked {
        mut performance,
        looked_at,
    } = walk.walk(order, seed)?;
    let n = order.len();
    ValuationError::check_len("performances of a walk", n + 1, performance.len())?;
    for (members, &value) in performance.iter().enumerate() {
        finite(value, members, n)?;
    }
    performance.push(looked_at as f64);
    Ok(performance)
}

/// What the permutations made so far come to.
struct Sample {
    tally: Tally,
    /// Means of the performances with which walks began and ended.
    ends: [f64; 2],
    looked_at: usize,
    convergence: Vec<ConvergencePoint>,
}

impl Sample {
    fn new(players: usize, pairs: bool) -> Self {
        Self {
            tally: Tally::new(players, pairs),
            ends: [0.0; 2],
            looked_at: 0,
            convergence: Vec::new(),
        }
    }

    /// Adds the part of a permutation.
    fn add(&mut self, order: &[usize], part: &[f64]) {
        let n = order.len();
        self.tally.add(order, &part[..=n]);
        let permutations = self.tally.permutations();
        for (mean, end) in self.ends.iter_mut().zip([part[0], part[n]]) {
            // Exact where all are the same.
            *mean += (end - *mean) / permutations as f64;
        }
        self.looked_at += part[n + 1] as usize;
        if permutations.is_multiple_of(EVERY)
            && let Some(change) = self.tally.change()
        {
            self.convergence.push(ConvergencePoint {
                permutations,
                change,
            });
        }
    }

    /// The statistic of convergence, as it was looked at last.
    fn change(&self) -> Option<f64> {
        self.convergence.last().map(|it| it.change)
    }

    fn values(self, config: &PermutationConfig) -> SampledValues {
        let permutations = self.tally.permutations();
        let [empty, all] = self.ends;
        SampledValues {
            converged: config.enough(self.change()),
            shapley: ShapleyValues {
                values: self.tally.means(),
                standard_errors: self.tally.standard_errors(),
                empty,
                all,
            },
            permutations,
            convergence: self.convergence,
            looked_at: self.looked_at,
        }
    }
}
