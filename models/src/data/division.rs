//! Where the test part of a data set came from: its own files, or a share drawn by a seed.

use std::fmt::{self, Display};
use std::path::PathBuf;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Seed of the shuffle that divides a table into training and test rows. It is a constant, so that everyone
/// who loads a table holds out the same rows.
pub const SPLIT_SEED: u64 = 2022;

/// Examples needed where a fifth of them is held out.
pub(crate) const MIN_ROWS: usize = 10;

/// Of how many examples one is held out.
const HELD_OUT: usize = 5;

/// What divided a data set into the examples to train on and those to test on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Division {
    /// The source, which has parts of its own.
    Source,
    /// We did: the examples were shuffled, and one of so many held out.
    Drawn {
        /// The seed of the shuffle (ChaCha8).
        seed: u64,
        /// One of so many is held out, rounded down, at least one.
        one_of: usize,
    },
    /// A column of the table.
    Column {
        /// Its name.
        name: String,
    },
    /// The caller, who named what to test on.
    Test {
        /// The file or folder.
        path: PathBuf,
    },
}

impl Division {
    /// What [`partition`] does.
    pub(crate) fn drawn() -> Self {
        Self::Drawn {
            seed: SPLIT_SEED,
            one_of: HELD_OUT,
        }
    }
}

impl Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source => f.write_str("as the source divides them"),
            Self::Drawn { seed, one_of } => write!(
                f,
                "one example of {one_of} held out for testing, drawn by seed {seed}"
            ),
            Self::Column { name } => write!(f, "as the column `{name}` says"),
            Self::Test { path } => write!(f, "the test part is {}", crate::quote::path(path)),
        }
    }
}

/// Row numbers of the training and of the test part, each ascending; every fifth row (at least one) is tested.
pub(crate) fn partition(rows: usize) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
    let mut train = order.split_off((rows / HELD_OUT).max(1));
    order.sort_unstable();
    train.sort_unstable();
    (train, order)
}
