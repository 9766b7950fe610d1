//! What is played: the worth of every coalition.

use super::ValuationError;

/// A cooperative game: a number for every set of players.
pub trait Game {
    /// How many players there are.
    fn players(&self) -> usize;

    /// The worth `v(S)` of a coalition; `members` says of each player whether it is in `S`. The same for the same
    /// coalition, to the bit.
    ///
    /// # Errors
    /// Whatever keeps it from being known.
    fn value(&self, members: &[bool]) -> Result<f64, ValuationError>;

    /// How far `v(all)` would stray on other measured examples, one standard deviation; none if the game cannot tell.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    fn noise(&self) -> Result<Option<f64>, ValuationError> {
        Ok(None)
    }

    /// What settles the worths beside the players, in words: what a store holds is gone on with only where this is the
    /// same.
    fn settings(&self) -> String {
        String::new()
    }
}

/// A game of any function.
#[derive(Clone, Debug)]
pub struct ClosureGame<F> {
    players: usize,
    worth: F,
}

impl<F: Fn(&[bool]) -> f64> ClosureGame<F> {
    /// Of so many `players`; `worth` is told of each whether it is in the coalition.
    pub fn new(players: usize, worth: F) -> Self {
        Self { players, worth }
    }
}

impl<F: Fn(&[bool]) -> f64> Game for ClosureGame<F> {
    fn players(&self) -> usize {
        self.players
    }

    fn value(&self, members: &[bool]) -> Result<f64, ValuationError> {
        Ok((self.worth)(members))
    }
}

/// The number of players, if there are any.
pub(super) fn players(game: &dyn Game) -> Result<usize, ValuationError> {
    match game.players() {
        0 => Err(ValuationError::Empty { what: "players" }),
        players => Ok(players),
    }
}

/// The worth of a coalition, if it is a number.
pub(super) fn worth(game: &dyn Game, members: &[bool]) -> Result<f64, ValuationError> {
    let value = game.value(members)?;
    finite(
        value,
        members.iter().filter(|it| **it).count(),
        members.len(),
    )
}

/// A performance, if it is a number.
pub(super) fn finite(value: f64, members: usize, players: usize) -> Result<f64, ValuationError> {
    match value.is_finite() {
        true => Ok(value),
        false => Err(ValuationError::NotFinite {
            members,
            players,
            value,
        }),
    }
}
