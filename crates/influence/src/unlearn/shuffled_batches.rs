//! The steps of a training, from the first on.

use std::ops::Range;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::UnlearnError;
use crate::response::Step;

/// Which steps a training makes: unlearning goes on with those that retraining makes at the same place.
///
/// What is forgotten must decide neither rates nor batches: a certificate holds for them as they are. Every closure of
/// the form is one.
pub trait StepPlan {
    /// The steps `range`, counted from 0, of a training without end: the same whenever they are asked for.
    fn steps(&self, range: Range<usize>) -> Box<dyn Iterator<Item = Step> + '_>;
}

impl<F, I> StepPlan for F
where
    F: Fn(Range<usize>) -> I,
    I: Iterator<Item = Step> + 'static,
{
    fn steps(&self, range: Range<usize>) -> Box<dyn Iterator<Item = Step> + '_> {
        Box::new(self(range))
    }
}

/// Steps of one size on batches, in an order that each pass over the examples draws anew; the last batch of a pass may
/// be shorter. With as many examples in a batch as there are, it is gradient descent on all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShuffledBatches {
    examples: usize,
    batch_size: usize,
    rate: f64,
    seed: u64,
}

impl ShuffledBatches {
    /// Of so many `examples`, `batch_size` at a time, by steps of size `rate`; `seed` settles the order.
    ///
    /// # Errors
    /// [`UnlearnError::Setting`] for no examples, batches of none, and a rate that is not positive and finite.
    pub fn new(
        examples: usize,
        batch_size: usize,
        rate: f64,
        seed: u64,
    ) -> Result<Self, UnlearnError> {
        for (name, value) in [("examples", examples), ("batch_size", batch_size)] {
            if value == 0 {
                return Err(UnlearnError::setting(name, "is 0, must be at least 1"));
            }
        }
        if !(rate > 0.0 && rate.is_finite()) {
            let problem = format!("is {rate:?}, must be positive and finite");
            return Err(UnlearnError::setting("rate", problem));
        }
        Ok(Self {
            examples,
            batch_size: batch_size.min(examples),
            rate,
            seed,
        })
    }

    /// Steps in a pass over the examples.
    pub fn steps_a_pass(&self) -> usize {
        self.examples.div_ceil(self.batch_size)
    }

    /// Whether each step takes all examples.
    pub fn is_full_batch(&self) -> bool {
        self.batch_size == self.examples
    }

    /// The order of the examples in a pass, which depends on no other: one that is taken up late needs none before it.
    fn order(&self, pass: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.examples).collect();
        if !self.is_full_batch() {
            let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
            rng.set_stream(pass as u64);
            order.shuffle(&mut rng);
        }
        order
    }
}

impl StepPlan for ShuffledBatches {
    fn steps(&self, range: Range<usize>) -> Box<dyn Iterator<Item = Step> + '_> {
        let batches = self.steps_a_pass();
        let mut current: Option<(usize, Vec<usize>)> = None;
        Box::new(range.map(move |step| {
            let (pass, batch) = (step / batches, step % batches);
            let order = match current.take() {
                Some((of, order)) if of == pass => order,
                _ => self.order(pass),
            };
            let start = batch * self.batch_size;
            let end = (start + self.batch_size).min(self.examples);
            let examples = order[start..end].to_vec();
            current = Some((pass, order));
            Step {
                rate: self.rate,
                examples,
            }
        }))
    }
}
