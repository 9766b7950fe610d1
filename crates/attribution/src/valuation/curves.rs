//! Performance as players are taken away, or added, in the order of their values.

use burn::config::Config;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Game, Parts, Sharded, ValuationError,
    game::{players, worth},
};

/// Settings of curves.
#[derive(Config, Debug, PartialEq)]
pub struct CurveConfig {
    /// Into how many steps the way from all players to none is divided.
    #[config(default = 20)]
    pub steps: usize,
    /// Random orders that values are held against.
    #[config(default = 10)]
    pub orders: usize,
    /// Where those come from.
    #[config(default = 0)]
    pub seed: u64,
}

impl Default for CurveConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// The performance of the players that are left, as those of the highest or of the lowest values are taken away
/// (Ghorbani & Zou 2019, Figures 1 and 3).
///
/// Adding is the same backwards: the `k` players of the highest values, which are added first, are what is left after
/// the removal of the `n - k` lowest.
#[derive(Clone, Debug, PartialEq)]
pub struct RemovalCurves {
    /// How many players were taken away, from none to all.
    pub removed: Vec<usize>,
    /// The performance of the others where the highest values were taken first; the lower, the better the values.
    pub highest_first: Vec<f64>,
    /// The same where the lowest were taken first; the higher, the better the values.
    pub lowest_first: Vec<f64>,
}

/// The same in random orders.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomRemovals {
    /// How many players were taken away, from none to all.
    pub removed: Vec<usize>,
    /// The mean performance of the others.
    pub mean: Vec<f64>,
    /// Its standard deviation over the orders; 0 for one.
    pub std: Vec<f64>,
}

impl CurveConfig {
    /// By `values`, one a player, whatever they are: equal ones in the order of the players. Each of the two curves is
    /// a part.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no players; [`ValuationError::Length`] for other values than one a player;
    /// [`ValuationError::Setting`] for no steps or values that are no numbers; [`ValuationError::NotFinite`]; those of
    /// the game and the store.
    pub fn run(
        &self,
        game: &dyn Game,
        values: &[f64],
        parts: &Parts<'_>,
    ) -> Result<Sharded<RemovalCurves>, ValuationError> {
        let n = self.check(game)?;
        ValuationError::check_len("values", n, values.len())?;
        if values.iter().any(|it| it.is_nan()) {
            let problem = "hold NaN: players cannot be ordered by it";
            return Err(ValuationError::setting("values", problem));
        }
        let mut highest: Vec<usize> = (0..n).collect();
        // A stable sort; adding 0 turns -0 into 0.
        highest.sort_by(|&a, &b| (values[b] + 0.0).total_cmp(&(values[a] + 0.0)));
        let orders = [highest.clone(), highest.into_iter().rev().collect()];
        let removed = self.removed(n);
        let found = self.curves(game, &orders, &removed, parts)?;
        Ok(found.map(|curves| {
            let [highest_first, lowest_first] =
                <[Vec<f64>; 2]>::try_from(curves).expect("there is a curve for each of two orders");
            RemovalCurves {
                removed,
                highest_first,
                lowest_first,
            }
        }))
    }

    /// In random orders. Each is a part.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`ValuationError::Setting`] for no orders.
    pub fn random(
        &self,
        game: &dyn Game,
        parts: &Parts<'_>,
    ) -> Result<Sharded<RandomRemovals>, ValuationError> {
        let n = self.check(game)?;
        if self.orders == 0 {
            let problem = "is 0, must be at least 1";
            return Err(ValuationError::setting("orders", problem));
        }
        let orders: Vec<Vec<usize>> = (0..self.orders).map(|it| self.order(it, n)).collect();
        let removed = self.removed(n);
        let found = self.curves(game, &orders, &removed, parts)?;
        Ok(found.map(|curves| {
            let count = curves.len() as f64;
            let mean: Vec<f64> = (0..removed.len())
                .map(|at| curves.iter().map(|it| it[at]).sum::<f64>() / count)
                .collect();
            let std = (0..removed.len()).map(|at| {
                let square = curves.iter().map(|it| (it[at] - mean[at]).powi(2));
                (square.sum::<f64>() / (count - 1.0).max(1.0)).sqrt()
            });
            RandomRemovals {
                std: std.collect(),
                mean,
                removed,
            }
        }))
    }

    /// The performance of what is left in each of the orders.
    fn curves(
        &self,
        game: &dyn Game,
        orders: &[Vec<usize>],
        removed: &[usize],
        parts: &Parts<'_>,
    ) -> Result<Sharded<Vec<Vec<f64>>>, ValuationError> {
        let settings = [&*game.settings(), &format!("{orders:?} {removed:?}")];
        let kept = parts.of("curve", &settings, orders.len());
        kept.all(
            |_| removed.len(),
            |position| {
                let order = &orders[position];
                let left = removed.iter().map(|&count| {
                    let mut members = vec![true; order.len()];
                    for &player in &order[..count] {
                        members[player] = false;
                    }
                    worth(game, &members)
                });
                left.collect()
            },
        )
    }

    /// Even steps from none to all.
    fn removed(&self, n: usize) -> Vec<usize> {
        let steps = self.steps.min(n);
        let at = |step: usize| (step * n + steps / 2) / steps;
        (0..=steps).map(at).collect()
    }

    fn order(&self, index: usize, n: usize) -> Vec<usize> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        // Far from the permutations that values are estimated from.
        rng.set_stream((1 << 61) | index as u64);
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        order
    }

    fn check(&self, game: &dyn Game) -> Result<usize, ValuationError> {
        if self.steps == 0 {
            let problem = "is 0, must be at least 1";
            return Err(ValuationError::setting("steps", problem));
        }
        players(game)
    }
}
