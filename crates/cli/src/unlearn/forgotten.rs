//! Which training examples are to be forgotten.

use backdraft_models::data::Dataset;
use rand::{SeedableRng, seq::index};
use rand_chacha::ChaCha8Rng;

use crate::{CliError, args::Unlearn, groups};

/// The stream of random numbers that the examples are drawn from.
const DRAWN: u64 = 1 << 33;

/// Those of the file, or those that the seed draws, in order.
pub(super) fn forgotten(args: &Unlearn, dataset: &Dataset) -> Result<Vec<usize>, CliError> {
    let mut chosen = match &args.forget {
        Some(path) => {
            let groups = groups::read(path, dataset, "--forget")?;
            let changes: Vec<(usize, f64)> = match groups.as_slice() {
                [one] => one.changes.clone(),
                _ => return refuse("--forget", "names several groups: unlearn forgets one"),
            };
            if changes.iter().any(|it| it.1 != -1.0) {
                let problem =
                    "has a weight_change other than -1: what is forgotten goes altogether";
                return refuse("--forget", problem);
            }
            changes.into_iter().map(|it| it.0).collect()
        }
        None => drawn(args, dataset.train.rows)?,
    };
    chosen.sort_unstable();
    Ok(chosen)
}

fn drawn(args: &Unlearn, rows: usize) -> Result<Vec<usize>, CliError> {
    if args.points >= rows {
        let problem = format!(
            "is {}: there are {rows} training examples, and at least one must stay",
            args.points
        );
        return refuse("--points", problem);
    }
    let mut rng = ChaCha8Rng::seed_from_u64(args.run.compute.seed);
    rng.set_stream(DRAWN);
    Ok(index::sample(&mut rng, rows, args.points).into_vec())
}

fn refuse<T>(option: &'static str, problem: impl Into<String>) -> Result<T, CliError> {
    let problem = problem.into();
    Err(CliError::Option { option, problem })
}
