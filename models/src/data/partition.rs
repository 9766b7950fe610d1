use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Seed of the shuffle that divides a table into training and test rows. It is a constant, so that everyone
/// who loads a table holds out the same rows.
pub const SPLIT_SEED: u64 = 2022;

/// Examples needed where a fifth of them is held out.
pub(crate) const MIN_ROWS: usize = 10;

/// Row numbers of the training and of the test part, each ascending; every fifth row (at least one) is tested.
pub(crate) fn partition(rows: usize) -> (Vec<usize>, Vec<usize>) {
    let mut order: Vec<usize> = (0..rows).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SPLIT_SEED));
    let mut train = order.split_off((rows / 5).max(1));
    order.sort_unstable();
    train.sort_unstable();
    (train, order)
}
