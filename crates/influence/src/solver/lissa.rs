//! LiSSA: the Neumann series of the inverse, with a fresh batch of examples in every term.

use backdraft_curvature::BatchOperator;
use burn::tensor::Tensor;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::vector::{System, norm, to_device, to_host};
use super::{Prepared, Solution, SolveError, SolveInfo, Solver, check_count, check_tolerance};

const NAME: &str = "lissa";
/// Steps between two looks at the recursion's norm.
const CHECK_EVERY: usize = 50;
/// How far beyond its bound the recursion may grow before it counts as divergent.
const GROWTH: f64 = 10.0;
/// Batches that [`Scale::Auto`] looks at, power iterations on each, and the factor on the largest eigenvalue found.
const PROBES: usize = 8;
const POWER_STEPS: usize = 20;
const SAFETY: f64 = 2.0;
/// The probes' random stream; repeats use the streams from 0 up.
const PROBE_STREAM: u64 = u64::MAX;

/// LiSSA's scale `sigma`, which must exceed the largest eigenvalue of any batch's matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// This value.
    Fixed(f64),
    /// Twice the largest eigenvalue seen in 8 batches of the recursion's size, drawn from the seed, with 20 power
    /// iterations on each. The factor covers both the batches not seen and what the power iteration falls short.
    Auto,
}

/// Settings of [`Lissa`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LissaConfig {
    /// Recursion steps of one repeat. An eigenvalue `lambda` needs about `scale / lambda * ln(1 / tolerance)` of them.
    pub depth: usize,
    /// Independent recursions, of which the mean is taken.
    pub repeats: usize,
    /// The scale `sigma`.
    pub scale: Scale,
    /// Examples drawn, with replacement, for every step. At or above the number of examples every step uses them all, once
    /// each: the recursion is then deterministic, and run once.
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
                problem: format!("is {scale}, must be positive and finite"),
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
/// a recursion ten times above that has diverged. The result is random in the seed: its true residual, computed with the
/// full data after every repeat, is what tells how good it is.
#[derive(Clone, Debug, Default)]
pub struct Lissa {
    config: LissaConfig,
}

impl Solver for Lissa {
    fn prepare<'a>(
        &'a self,
        operator: &'a dyn BatchOperator,
    ) -> Result<Box<dyn Prepared + 'a>, SolveError> {
        Ok(Box::new(self.ready(operator)?))
    }
}

impl Lissa {
    /// The scale that [`prepare`](Solver::prepare) settles on for `operator`: the setting's, or what [`Scale::Auto`] finds.
    ///
    /// # Errors
    /// [`SolveError::Setting`] if the matrix is zero on every batch tried, [`SolveError::NotFinite`], and whatever a product reports.
    pub fn scale(&self, operator: &dyn BatchOperator) -> Result<f64, SolveError> {
        Ok(self.ready(operator)?.scale)
    }

    fn ready<'a>(&'a self, operator: &'a dyn BatchOperator) -> Result<Ready<'a>, SolveError> {
        let mut ready = Ready {
            config: &self.config,
            operator,
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
    pub(super) operator: &'a dyn BatchOperator,
    pub(super) scale: f64,
    pub(super) probe_products: f64,
}

impl Prepared for Ready<'_> {
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        self.run(rhs).map_err(|error| error.on(self.operator))
    }
}

impl Ready<'_> {
    fn run(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        let config = self.config;
        let Some(system) = System::new(self.operator, &rhs)? else {
            return Ok(Solution::zero(&rhs, NAME, config.tolerance));
        };
        let mut info = SolveInfo::new(NAME, config.tolerance);
        info.scale = Some(self.scale);
        info.products = self.probe_products;
        let repeats = if self.exact() { 1 } else { config.repeats };
        let mut total = system.rhs.zeros_like();
        let mut mean = total.clone();
        for repeat in 0..repeats {
            total = total + self.recursion(&system, repeat)?;
            mean = total.clone() / (self.scale * (repeat + 1) as f64);
            (_, info.true_residual) = system.residual(&mean)?;
            info.residuals.push(info.true_residual);
            info.iterations += config.depth;
            info.products += config.depth as f64 * self.share() + 1.0;
        }
        let vector = mean * system.norm;
        Solution { vector, info }.judge(|_| {
            format!(
                "raise depth ({}: an eigenvalue lambda needs about {:.1e} / lambda steps), or repeats ({}), batch_size ({}) \
                 and the scale ({:.1e}, with depth in step) against the noise, or the damping; conjugate gradients are exact",
                config.depth,
                self.scale * (1.0 / config.tolerance).ln().max(1.0),
                config.repeats,
                config.batch_size,
                self.scale
            )
        })
    }

    fn recursion(&self, system: &System, repeat: usize) -> Result<Tensor<1>, SolveError> {
        let mut rng = self.rng(repeat as u64);
        let mut h = system.rhs.clone();
        let mut last = (0, 1.0_f64);
        for step in 1..=self.config.depth {
            h = self.step(system, h, &self.draw(&mut rng))?;
            if step != 1 && step % CHECK_EVERY != 0 && step != self.config.depth {
                continue;
            }
            let norm = norm(&h)?;
            if norm.is_nan() && step == 1 {
                return Err(SolveError::NotFinite {
                    what: "a product of lissa",
                });
            }
            if norm.is_nan() || norm > GROWTH * (step + 1) as f64 {
                // The eigenvalue that grows so is scale * (1 + growth).
                let growth = (norm / last.1).powf(1.0 / (step - last.0) as f64);
                let growth = if growth.is_nan() { 9.0 } else { growth };
                return Err(SolveError::Diverged {
                    repeat,
                    step,
                    norm,
                    scale: self.scale,
                    suggested: SAFETY * self.scale * (1.0 + growth),
                });
            }
            last = (step, norm);
        }
        Ok(h)
    }

    /// One step of the recursion, which waits for nothing.
    pub(super) fn step(
        &self,
        system: &System,
        h: Tensor<1>,
        batch: &[usize],
    ) -> Result<Tensor<1>, SolveError> {
        let product = self.product(batch, h.clone())?;
        Ok(system.rhs.clone() + h - product / self.scale)
    }

    /// Sets the scale from the largest eigenvalue of a few batches. (The full matrix, a mean of batches, is no larger, and
    /// its own largest eigenvalue says too little: a batch's can be many times that.)
    fn probe(&mut self) -> Result<(), SolveError> {
        let mut rng = self.rng(PROBE_STREAM);
        let probes = if self.exact() { 1 } else { PROBES };
        let mut largest = 0.0_f64;
        for _ in 0..probes {
            let batch = self.draw(&mut rng);
            let signs = (0..self.operator.dim())
                .map(|_| if rng.random() { 1.0 } else { -1.0 })
                .collect();
            // Signs have a norm to divide by from the start; what follows stays on the device until the end.
            let dim = self.operator.dim() as f64;
            let mut v = to_device(self.operator, signs) / dim.sqrt();
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
                    return Err(SolveError::NotFinite {
                        what: "a product of lissa's power iteration",
                    });
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
    fn exact(&self) -> bool {
        self.config.batch_size >= self.operator.examples()
    }

    /// The share of the examples that one step uses.
    fn share(&self) -> f64 {
        if self.exact() {
            1.0
        } else {
            self.config.batch_size as f64 / self.operator.examples() as f64
        }
    }

    fn rng(&self, stream: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.config.seed);
        rng.set_stream(stream);
        rng
    }

    /// A batch's examples; none drawn if all are used.
    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<usize> {
        if self.exact() {
            return Vec::new();
        }
        // u64, so that every platform draws the same.
        let examples = self.operator.examples() as u64;
        (0..self.config.batch_size)
            .map(|_| rng.random_range(0..examples) as usize)
            .collect()
    }

    fn product(&self, batch: &[usize], v: Tensor<1>) -> Result<Tensor<1>, SolveError> {
        Ok(if self.exact() {
            self.operator.apply(v)?
        } else {
            self.operator.apply_batch(batch, v)?
        })
    }
}
