//! Passes over the examples, in an order that a seed settles.

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

/// The batches of `epochs` passes over `n` examples, in order: each pass shuffles the order of the one before
/// (ChaCha8). The last batch of a pass may be shorter.
pub(crate) fn batches(n: usize, batch_size: usize, epochs: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut order: Vec<usize> = (0..n).collect();
    let mut batches = Vec::with_capacity(epochs * n.div_ceil(batch_size));
    for _ in 0..epochs {
        order.shuffle(&mut rng);
        batches.extend(order.chunks(batch_size).map(<[usize]>::to_vec));
    }
    batches
}
