//! Which training examples play, and which test examples values and curves are measured on.

use backdraft_models::{
    Architecture, Preset,
    data::{Dataset, Targets},
};
use burn::tensor::DType;
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use crate::{
    CliError,
    args::{RunArgs, Shapley},
    device::Opened,
    inputs::{Inputs, corrupt},
};

/// Streams of random numbers, far from those of permutations.
const TRAIN: u64 = 1 << 60;
const TEST: u64 = TRAIN + 1;

/// Reads what the options name, with the training examples that play alone, and then makes labels wrong.
pub(super) fn loaded(
    args: &Shapley,
    preset: Preset,
    dtype: DType,
    check: impl FnOnce(Architecture, &Opened, &Dataset) -> Result<(), CliError>,
) -> Result<Inputs, CliError> {
    let clean = RunArgs {
        corrupt_labels: None,
        ..args.run.clone()
    };
    let mut inputs = Inputs::load(&clean, preset, dtype, check)?;
    let (seed, rows) = (args.run.compute.seed, inputs.dataset.train.rows);
    let players = args.players(rows)?;
    if players < rows {
        let chosen = drawn(rows, players, seed, TRAIN);
        inputs.dataset.train = inputs.dataset.train.select(&chosen);
    }
    let wrong = args.run.corrupt_labels;
    inputs.noise = corrupt(&mut inputs.dataset, "--corrupt-labels", wrong, seed)?;
    if let Targets::Classes(classes) = &inputs.dataset.train.targets
        && classes.iter().all(|it| *it == classes[0])
    {
        let name = &inputs.dataset.task.classes()[classes[0] as usize];
        return Err(CliError::Option {
            option: "--examples",
            problem: format!(
                "are {players}, all of the class {name}, so that there is nothing to learn: take more, or another --seed"
            ),
        });
    }
    Ok(inputs)
}

/// Test examples by their indices.
pub(super) struct Examples {
    /// Those that values are measured on.
    pub measured: Vec<usize>,
    /// Those that the curves are measured on; none if they are the same.
    pub held_out: Vec<usize>,
}

impl Examples {
    pub fn of(args: &Shapley, inputs: &Inputs) -> Result<Self, CliError> {
        let rows = inputs.dataset.test.rows;
        let held_out = (args.held_out * rows as f64).round() as usize;
        if held_out >= rows {
            return Err(CliError::Option {
                option: "--held-out",
                problem: format!("leaves none of {rows} test examples to measure values on"),
            });
        }
        let held_out = drawn(rows, held_out, args.run.compute.seed, TEST);
        let measured = (0..rows).filter(|row| held_out.binary_search(row).is_err());
        Ok(Self {
            measured: measured.collect(),
            held_out,
        })
    }
}

/// So many of the rows, in their order.
fn drawn(rows: usize, count: usize, seed: u64, stream: u64) -> Vec<usize> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(stream);
    let mut all: Vec<usize> = (0..rows).collect();
    all.shuffle(&mut rng);
    all.truncate(count);
    all.sort_unstable();
    all
}
