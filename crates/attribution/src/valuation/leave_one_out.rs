//! What each player adds to all others.

use super::{
    Game, Parts, Sharded, ValuationError,
    game::{players, worth},
};

/// Players in a part.
const PART: usize = 16;

/// `v(all) - v(all without i)` of each player `i`, in the units of the performance; positive: it helps. Unlike Shapley
/// values they do not add up to anything.
///
/// # Errors
/// [`ValuationError::Empty`] for no players; [`ValuationError::NotFinite`]; those of the game and the store.
pub fn leave_one_out(
    game: &dyn Game,
    parts: &Parts<'_>,
) -> Result<Sharded<Vec<f64>>, ValuationError> {
    let n = players(game)?;
    let settings = [&*game.settings(), &n.to_string()];
    let kept = parts.of("leave-one-out", &settings, n.div_ceil(PART));
    let range = |position: usize| (position * PART)..((position + 1) * PART).min(n);
    let found = kept.all(
        |position| range(position).len(),
        |position| {
            let all = worth(game, &vec![true; n])?;
            let without = range(position).map(|player| {
                let mut members = vec![true; n];
                members[player] = false;
                Ok(all - worth(game, &members)?)
            });
            without.collect()
        },
    )?;
    Ok(found.map(|parts| parts.concat()))
}
