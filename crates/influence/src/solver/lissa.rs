//! LiSSA: the Neumann series of the inverse, with a fresh batch of examples in every term.

use backdraft_curvature::{BatchOperator, LinearOperator};
use burn::tensor::Tensor;
use rand::{Rng, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::vector::{to_device, to_host};
use super::{Inverse, Solution, SolveError, Solver, check_count, check_tolerance};

pub(super) const NAME: &str = "lissa";
/// Batches that [`Scale::Auto`] looks at, power iterations on each, and the factor on the largest eigenvalue found.
const PROBES: usize = 8;
const POWER_STEPS: usize = 20;
pub(super) const SAFETY: f64 = 2.0;
/// The probes' random stream; repeats use the streams from 0 up.
const PROBE_STREAM: u64 = u64::MAX;

/// LiSSA's scale `sigma`, which must exceed the largest eigenvalue of any batch's matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// This value.
    Fixed(f64),
    /// Twice the largest eigenvalue seen in 8 batches of the recursion's size, drawn from the seed, with 20 power
    /// iterations on each. The factor covers both the batches not seen and what the power iteration falls short.
    Auto,
}

/// Settings of [`Lissa`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LissaConfig {
    /// Recursion steps of one repeat. An eigenvalue `lambda` needs about `scale / lambda * ln(1 / tolerance)` of them.
    pub depth: usize,
    /// Independent recursions, of which the mean is taken.
    pub repeats: usize,
    /// The scale `sigma`.
    pub scale: Scale,
    /// Examples in every step, drawn without replacement until all have had their turn, then anew: so none is seen much
    /// more often than another, whose curvature may be large. At or above the number of examples every step uses them
    /// all: the recursion is then deterministic, and run once.
    pub batch_size: usize,
    /// Seed of all batches; every repeat has its own stream.
    pub seed: u64,
    /// Relative residual that the result must reach. Infinity accepts any: for measuring LiSSA itself.
    pub tolerance: f64,
}

impl Default for LissaConfig {
    fn default() -> Self {
        Self {
            depth: 1_000,
            repeats: 10,
            scale: Scale::Auto,
            batch_size: 32,
            seed: 0,
            tolerance: 0.1,
        }
    }
}

impl LissaConfig {
    /// The solver with these settings.
    ///
    /// # Errors
    /// [`SolveError::Setting`] for a count of zero, or a scale or tolerance that is not positive.
    pub fn init(self) -> Result<Lissa, SolveError> {
        check_count("depth", self.depth)?;
        check_count("repeats", self.repeats)?;
        check_count("batch_size", self.batch_size)?;
        check_tolerance(self.tolerance)?;
        if let Scale::Fixed(scale) = self.scale
            && !(scale.is_finite() && scale > 0.0)
        {
            return Err(SolveError::Setting {
                name: "scale",
                problem: format!("is {scale:?}, must be positive and finite"),
            });
        }
        Ok(Lissa { config: self })
    }
}

/// LiSSA (Agarwal, Bullins & Hazan 2017; Koh & Liang 2017, section 3).
///
/// ```text
/// h_0 = b,   h_{t+1} = b + h_t - A_batch h_t / sigma,   s = mean over repeats of h_depth / sigma
/// ```
///
/// The damping is the operator's. If every batch matrix lies between 0 and `2 sigma`, then `||h_t|| <= (t + 1) ||b||`;
/// a recursion ten times above that has diverged. All right-hand sides see the same batches. The result is random in
/// the seed: its true residual, computed with the full data after every repeat, is what tells how good it is.
#[derive(Clone, Debug, Default)]
pub struct Lissa {
    config: LissaConfig,
}

impl Solver for Lissa {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn LinearOperator,
    ) -> Result<Box<dyn Inverse + 'a>, SolveError> {
        Ok(Box::new(self.ready(operator)?))
    }
}

impl Lissa {
    /// The scale that [`prepare`](Solver::prepare) settles on for `operator`: the setting's, or what [`Scale::Auto`]
    /// finds.
    ///
    /// # Errors
    /// [`SolveError::NotOverExamples`]; [`SolveError::Setting`] if the matrix is zero on every batch tried,
    /// [`SolveError::NotFinite`], and whatever a product reports.
    pub fn scale(&self, operator: &dyn LinearOperator) -> Result<f64, SolveError> {
        Ok(self.ready(operator)?.scale)
    }

    fn ready<'a>(&'a self, operator: &'a dyn LinearOperator) -> Result<Ready<'a>, SolveError> {
        let Some(examples) = operator.over_examples() else {
            return Err(SolveError::NotOverExamples {
                name: operator.law().name,
            });
        };
        let mut ready = Ready {
            config: &self.config,
            operator: examples,
            scale: 0.0,
            probe_products: 0.0,
        };
        match self.config.scale {
            Scale::Fixed(scale) => ready.scale = scale,
            Scale::Auto => ready.probe().map_err(|error| error.on(operator))?,
        }
        Ok(ready)
    }
}

pub(super) struct Ready<'a> {
    pub(super) config: &'a LissaConfig,
    pub(super) operator: Box<dyn BatchOperator + 'a>,
    pub(super) scale: f64,
    pub(super) probe_products: f64,
}

impl Inverse for Ready<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        self.solve_many(vec![rhs])?.remove(0)
    }

    fn solve_many(
        &self,
        rhs: Vec<Tensor<1>>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let solutions = self.run(&rhs).map_err(|error| error.on(&self.operator))?;
        let told = |error: SolveError| error.on(&self.operator);
        Ok(solutions.into_iter().map(|it| it.map_err(told)).collect())
    }
}

impl Ready<'_> {
    /// Sets the scale from the largest eigenvalue of a few batches. (The full matrix, a mean of batches, is no larger,
    /// and its own largest eigenvalue says too little: a batch's can be many times that.)
    fn probe(&mut self) -> Result<(), SolveError> {
        let mut batches = self.batches(PROBE_STREAM);
        let probes = if self.exact() { 1 } else { PROBES };
        let mut largest = 0.0_f64;
        for _ in 0..probes {
            let batch = batches.draw();
            let signs = (0..self.operator.dim())
                .map(|_| if batches.rng.random() { 1.0 } else { -1.0 })
                .collect();
            // Signs have a norm to divide by from the start; what follows stays on the device until the end.
            let dim = self.operator.dim() as f64;
            let start = to_device(&self.operator, signs) / dim.sqrt();
            let mut v = start.clone();
            let mut lengths = Vec::with_capacity(POWER_STEPS);
            for _ in 0..POWER_STEPS {
                v = self.product(&batch, v)?;
                let length = v.clone().square().sum().sqrt();
                v = v / length.clone();
                lengths.push(length);
            }
            let mut length = 0.0;
            for next in to_host(Tensor::cat(lengths, 0))? {
                if !next.is_finite() {
                    let what = "a product of lissa's power iteration";
                    return Err(SolveError::not_finite(what, &self.operator, &start));
                }
                length = next;
                // What follows is divided by it.
                if length == 0.0 {
                    break;
                }
            }
            largest = largest.max(length);
        }
        if largest == 0.0 {
            return Err(SolveError::Setting {
                name: "scale",
                problem:
                    "cannot be found automatically: the matrix is zero on every batch tried. Add damping"
                        .into(),
            });
        }
        self.scale = SAFETY * largest;
        self.probe_products = (probes * POWER_STEPS) as f64 * self.share();
        Ok(())
    }

    /// Whether every step uses all examples.
    pub(super) fn exact(&self) -> bool {
        self.config.batch_size >= self.operator.examples()
    }

    /// The share of the examples that one step uses.
    pub(super) fn share(&self) -> f64 {
        if self.exact() {
            1.0
        } else {
            self.config.batch_size as f64 / self.operator.examples() as f64
        }
    }

    /// The batches of a random stream of the seed.
    pub(super) fn batches(&self, stream: u64) -> RandomBatches {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream(stream);
        let size = if self.exact() {
            0
        } else {
            self.config.batch_size
        };
        RandomBatches {
            rng,
            order: (0..self.operator.examples()).collect(),
            next: self.operator.examples(),
            size,
        }
    }

    fn product(&self, batch: &[usize], v: Tensor<1>) -> Result<Tensor<1>, SolveError> {
        Ok(if self.exact() {
            self.operator.product(v)?
        } else {
            self.operator.batch_product(batch, v)?
        })
    }
}

/// Batches of examples, in an order that is drawn anew for every pass over them.
pub(super) struct RandomBatches {
    rng: ChaCha8Rng,
    order: Vec<usize>,
    /// The place in the order of the next example.
    next: usize,
    /// Examples in a batch; 0 if all are used anyway.
    size: usize,
}

impl RandomBatches {
    pub(super) fn draw(&mut self) -> Vec<usize> {
        let mut batch = Vec::with_capacity(self.size);
        while batch.len() < self.size {
            if self.next == self.order.len() {
                self.order.shuffle(&mut self.rng);
                self.next = 0;
            }
            let rest = &self.order[self.next..];
            let count = rest.len().min(self.size - batch.len());
            batch.extend_from_slice(&rest[..count]);
            self.next += count;
        }
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the batches' size, every example has its turn in each pass.
    #[test]
    fn all_examples_come_up_equally_often() {
        for (size, draws) in [(4, 15), (1, 30), (9, 10), (10, 3)] {
            let mut batches = RandomBatches {
                rng: ChaCha8Rng::seed_from_u64(3),
                order: (0..10).collect(),
                next: 10,
                size,
            };
            let drawn: Vec<usize> = (0..draws).flat_map(|_| batches.draw()).collect();
            let passes: Vec<_> = drawn.chunks(10).map(<[usize]>::to_vec).collect();
            assert!(passes[0] != passes[1], "the order is drawn anew");
            for mut pass in passes {
                pass.sort_unstable();
                pass.dedup();
                assert_eq!(pass.len(), 10);
            }
            assert_eq!(drawn.len(), size * draws);
        }
    }
}
