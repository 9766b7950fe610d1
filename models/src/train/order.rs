//! The order of the examples in each pass.

use std::ops::Range;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::config::TrainConfig;

/// The order of the examples in a pass.
pub(super) struct Order {
    rng: ChaCha8Rng,
    examples: Vec<i64>,
    /// Passes shuffled for.
    passes: usize,
}

impl Order {
    /// Of so many examples.
    pub(super) fn new(rows: usize, seed: u64) -> Self {
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            examples: (0..rows as i64).collect(),
            passes: 0,
        }
    }

    /// The order in pass number `pass`, from 1: each shuffles that of the pass before.
    pub(super) fn of(&mut self, pass: usize) -> &[i64] {
        while self.passes < pass {
            self.examples.shuffle(&mut self.rng);
            self.passes += 1;
        }
        &self.examples
    }
}

impl TrainConfig {
    /// The batches that [`Training`](super::Training) on `rows` examples takes in the passes `passes`, counted from 0,
    /// each with the step size there: for other computations that are to go through the data as training does. Passes
    /// beyond the config's own go on in the same way, at the step size of its end.
    pub fn batches(
        &self,
        rows: usize,
        passes: Range<usize>,
    ) -> impl Iterator<Item = (f64, Vec<usize>)> + use<> {
        let mut order = Order::new(rows, self.seed);
        let config = self.clone();
        let batches = rows.div_ceil(config.batch_size);
        passes.flat_map(move |pass| {
            let examples = order.of(pass + 1);
            let batch = |(index, batch): (usize, &[i64])| {
                let step = (pass * batches + index).min(batches * config.epochs - 1);
                let factor = config.schedule.factor(step, batches, config.epochs);
                let examples = batch.iter().map(|&example| example as usize).collect();
                (config.learning_rate * factor, examples)
            };
            let all: Vec<_> = examples
                .chunks(config.batch_size)
                .enumerate()
                .map(batch)
                .collect();
            all
        })
    }
}
