//! Truncated Monte-Carlo: permutations that are cut off where nothing more is gained.

use super::{
    Game, PermutationWalk, ValuationError, Walked,
    game::{players, worth},
};

/// Where a permutation is cut off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truncation {
    /// Nowhere: every place of every order is looked at, and the estimate has no bias.
    Never,
    /// Where performance is within so much of that of all players.
    Within(f64),
    /// Where it is within the noise of the performance of all players ([`Game::noise`]), as Ghorbani & Zou have it.
    Noise,
}

/// A walk that measures a game's coalition after each player (Ghorbani & Zou 2019, Algorithm 1).
///
/// Once `|v(all) - v(so far)|` is less than the tolerance, all later players of the order are taken to add nothing: its
/// values add up to `v(all) - v(empty)` within the tolerance.
pub struct TruncatedWalk<'a> {
    game: &'a dyn Game,
    tolerance: f64,
    empty: f64,
    all: f64,
}

impl<'a> TruncatedWalk<'a> {
    /// Of `game`, whose performance with all players and without any is measured now.
    ///
    /// # Errors
    /// [`ValuationError::Empty`] for no players; [`ValuationError::Setting`] for a tolerance that is negative or not
    /// finite, and for [`Truncation::Noise`] of a game that cannot tell its noise; [`ValuationError::NotFinite`]; those
    /// of the game.
    pub fn new(game: &'a dyn Game, truncation: Truncation) -> Result<Self, ValuationError> {
        let n = players(game)?;
        let tolerance = match truncation {
            Truncation::Never => 0.0,
            Truncation::Within(tolerance) => tolerance,
            Truncation::Noise => game.noise()?.ok_or_else(|| {
                let problem = "is the noise, which this game cannot tell: give a tolerance";
                ValuationError::setting("truncation", problem)
            })?,
        };
        if !(tolerance.is_finite() && tolerance >= 0.0) {
            let problem = format!("is within {tolerance}, must be finite and not negative");
            return Err(ValuationError::setting("truncation", problem));
        }
        Ok(Self {
            game,
            tolerance,
            empty: worth(game, &vec![false; n])?,
            all: worth(game, &vec![true; n])?,
        })
    }

    /// How near to the performance of all players a walk is cut off; 0 is nowhere.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    /// The performance without any player.
    pub fn empty(&self) -> f64 {
        self.empty
    }

    /// The performance with all players.
    pub fn all(&self) -> f64 {
        self.all
    }
}

impl PermutationWalk for TruncatedWalk<'_> {
    fn name(&self) -> &'static str {
        "tmc"
    }

    fn players(&self) -> usize {
        self.game.players()
    }

    fn walk(&self, order: &[usize], _seed: u64) -> Result<Walked, ValuationError> {
        let n = self.players();
        let mut members = vec![false; n];
        let mut performance = vec![self.empty];
        let mut looked_at = 0;
        for &player in order {
            let last = performance[performance.len() - 1];
            if (self.all - last).abs() < self.tolerance {
                break;
            }
            members[player] = true;
            looked_at += 1;
            performance.push(match looked_at == n {
                true => self.all,
                false => worth(self.game, &members)?,
            });
        }
        let last = performance[performance.len() - 1];
        performance.resize(n + 1, last);
        Ok(Walked {
            performance,
            looked_at,
        })
    }

    fn settings(&self) -> String {
        format!("{} {:?}", self.game.settings(), self.tolerance)
    }
}
