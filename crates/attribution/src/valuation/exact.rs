//! Shapley values by their definition: all coalitions.

use burn::config::Config;

use super::{
    Game, Parts, ShapleyValues, Sharded, ValuationError,
    game::{players, worth},
};

/// Coalitions in a part.
const PART: usize = 64;
/// Players whose coalitions a machine can count.
const COUNTABLE: usize = 40;

/// Settings of values by their definition, over all `2^n` coalitions.
#[derive(Config, Debug)]
pub struct ExactConfig {
    /// The most players.
    #[config(default = 16)]
    pub most: usize,
}

impl Default for ExactConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl ExactConfig {
    /// The values of `game`; each coalition is looked at once, 64 of them in a part.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no players; [`ValuationError::TooManyPlayers`];
    /// [`ValuationError::NotFinite`] for a worth that is no number; those of the game and the store.
    pub fn run(
        &self,
        game: &dyn Game,
        parts: &Parts<'_>,
    ) -> Result<Sharded<ShapleyValues>, ValuationError> {
        let n = players(game)?;
        let most = self.most.min(COUNTABLE);
        if n > most {
            return Err(ValuationError::TooManyPlayers { players: n, most });
        }
        let coalitions = 1_usize << n;
        let part = PART.min(coalitions);
        let settings = [&*game.settings(), &n.to_string()];
        let kept = parts.of("exact", &settings, coalitions / part);
        let worths = kept.all(
            |_| part,
            |position| {
                let coalitions = (position * part)..((position + 1) * part);
                let worths = coalitions.map(|coalition| worth(game, &members(coalition, n)));
                worths.collect()
            },
        )?;
        Ok(worths.map(|worths| of_worths(&worths.concat(), n)))
    }
}

/// The members of a coalition, whose bits they are.
fn members(coalition: usize, n: usize) -> Vec<bool> {
    (0..n).map(|player| coalition >> player & 1 == 1).collect()
}

/// The values, from the worths of all coalitions in the order of their bits.
fn of_worths(worths: &[f64], n: usize) -> ShapleyValues {
    let mut values = vec![0.0; n];
    let weights = weights(n);
    for (coalition, worth) in worths.iter().enumerate() {
        let weight = weights[coalition.count_ones() as usize];
        for (player, value) in values.iter_mut().enumerate() {
            if coalition >> player & 1 == 0 {
                *value += weight * (worths[coalition | 1 << player] - worth);
            }
        }
    }
    ShapleyValues {
        values,
        standard_errors: None,
        empty: worths[0],
        all: worths[worths.len() - 1],
    }
}

/// `s! (n - s - 1)! / n!` by the size `s`: the share of orders in which just these players come before one more.
fn weights(n: usize) -> Vec<f64> {
    let mut weights = vec![1.0 / n as f64];
    for size in 1..n {
        let last = weights[size - 1];
        weights.push(last * size as f64 / (n - size) as f64);
    }
    // No player is left to come.
    weights.push(0.0);
    weights
}
