//! What the seed draws.

use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use super::args::RemovalArgs;
use crate::CliError;

/// Streams of random numbers, so that one choice does not move another.
const TESTS: u64 = 1;
const EXAMPLES: u64 = 2;
const REMOVALS: u64 = 3;
/// And those that follow, one a group.
const GROUPS: u64 = 1 << 32;

/// What an experiment removes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Removed {
    /// What the seed draws.
    Drawn(RemovalArgs),
    /// Each training example by itself.
    Each,
    /// Those with the largest influence, which are known once the network is trained.
    Largest,
}

/// More removals than any experiment comes to the end of.
const MOST: usize = 100_000;

/// The training examples to keep of `n`, in order.
pub(super) fn examples(seed: u64, n: usize, count: usize) -> Result<Vec<usize>, CliError> {
    if count == 0 || count > n {
        return refuse(
            "--examples",
            format!("is {count}: there are {n} training examples"),
        );
    }
    let mut chosen = draw(seed, EXAMPLES, n, count);
    chosen.sort_unstable();
    Ok(chosen)
}

/// The test examples to measure, of `n`.
pub(super) fn tests(seed: u64, n: usize, count: usize) -> Result<Vec<usize>, CliError> {
    if count > n {
        return refuse(
            "--tests",
            format!("is {count}: there are {n} test examples"),
        );
    }
    Ok(draw(seed, TESTS, n, count))
}

/// The removals asked for from `n` training examples, as far as they are known.
pub(super) fn removals(seed: u64, n: usize, asked: Removed) -> Result<Vec<Vec<usize>>, CliError> {
    if n < 2 {
        let problem = format!("is {n}: one must stay when another is removed");
        return refuse("--examples", problem);
    }
    let RemovalArgs { points, group } = match asked {
        Removed::Drawn(asked) => asked,
        Removed::Each => return Ok((0..n).map(|i| vec![i]).collect()),
        Removed::Largest => return Ok(Vec::new()),
    };
    let group = group.of(n);
    if group >= n {
        let problem =
            format!("takes {group} of {n} training examples away: at least one must stay");
        return refuse("--group", problem);
    }
    if points == 0 || (group == 1 && points > n) {
        let problem =
            format!("is {points}: there are {n} training examples to remove one at a time");
        return refuse("--points", problem);
    }
    if points > MOST {
        return refuse("--points", format!("is {points}: {MOST} are the most"));
    }
    Ok(match group {
        1 => draw(seed, REMOVALS, n, points)
            .into_iter()
            .map(|i| vec![i])
            .collect(),
        // Groups may overlap: many large ones would not fit beside each other.
        _ => (0..points as u64)
            .map(|point| draw(seed, GROUPS + point, n, group))
            .collect(),
    })
}

/// `count` different numbers below `n`.
fn draw(seed: u64, stream: u64, n: usize, count: usize) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    index::sample(&mut rng, n, count).into_vec()
}

fn refuse<T>(option: &'static str, problem: String) -> Result<T, CliError> {
    Err(CliError::Option { option, problem })
}
