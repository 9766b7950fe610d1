//! Which preconditioner pays.
//!
//! After `s` vectors, of a block's space or of a sketch, what is left of the matrix is taken to have no eigenvalue
//! above its `s`-th, and to need `sqrt(condition number) / 2 * ln(2 / tolerance)` iterations more:
//!
//! ```text
//! products of a block of w = the least over s of   s - known + w iterations(s)
//! ```
//!
//! where `known` is what a preconditioner knows beforehand, for products that are counted once for all blocks. How many
//! eigenvalues lie above what, the Krylov space of one random vector tells (stochastic Lanczos quadrature; Ubaru, Chen
//! & Saad 2017). These are counts to compare, not to rely on: more are taken.

use backdraft_curvature::{CurvatureError, LinearOperator};
use burn::tensor::{DType, Device, Tensor};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::{
    ConjugateGradient,
    block::{Space, krylov_space},
    systems::chunk,
};
use crate::solver::{
    DiagonalConfig, NystroemConfig, Preconditioner, SolveError, rows::random_signs,
};

/// Products of a Krylov space that tells of eigenvalues.
const STEPS: usize = 24;
/// Products that the diagonal is estimated from, to see what it is worth.
const PROBES: usize = 32;
/// The least rank that is looked at; doubled from there.
const RANK: usize = 25;
/// The share of a sketch's eigenvalues that it knows well.
const KNOWN: f64 = 0.5;
/// What a preconditioner has to save: where it is predicted to take more than this share of the products, none is
/// chosen.
const WORTH: f64 = 0.8;

/// A preconditioner, and what was predicted of it and of others.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Choice {
    /// The one that is predicted to take the fewest products, or none where that does not pay.
    pub preconditioner: Preconditioner,
    /// Right-hand sides of a block, and how many blocks there are.
    pub blocks: (usize, usize),
    /// Of each that was looked at; nothing where all are one block, which finds by itself what a preconditioner would
    /// know.
    pub predicted: Vec<Prediction>,
}

/// The products that all right-hand sides are predicted to take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// With this.
    pub preconditioner: Preconditioner,
    /// A block product counts as many as it has vectors; those that the preconditioner is made of count too.
    pub products: f64,
}

impl ConjugateGradient {
    /// The preconditioner of `operator` for so many right-hand sides, which come `at_once` at a time. Takes no product
    /// where all are one block, else 80 products with single vectors, drawn from `seed`.
    ///
    /// # Errors
    /// Whatever a product reports.
    pub fn choose_preconditioner(
        &self,
        operator: &dyn LinearOperator,
        queries: usize,
        at_once: usize,
        seed: u64,
    ) -> Result<Choice, SolveError> {
        let block = self.block(operator, None)?;
        let limit = self.config.block_size.map_or(at_once, |it| it.min(at_once));
        let width = chunk(queries, block.width(), Some(limit.max(1)));
        let count = queries.div_ceil(width);
        let mut choice = Choice {
            preconditioner: Preconditioner::None,
            blocks: (width, count),
            predicted: Vec::new(),
        };
        if count < 2 {
            return Ok(choice);
        }
        let shape = Shape {
            width: width as f64,
            blocks: count as f64,
            logarithm: (2.0 / block.tolerance).ln(),
        };
        let vectors = block.memory / block.vector() / 2;
        let found = self.predict(operator, &shape, vectors, seed);
        choice.predicted = found.map_err(|error| error.on(operator))?;
        let without = choice.predicted.first().map_or(0.0, |it| it.products);
        let least = choice.predicted.iter();
        let least = least.min_by(|a, b| a.products.total_cmp(&b.products));
        if let Some(least) = least.filter(|it| it.products < WORTH * without) {
            choice.preconditioner = least.preconditioner.clone();
        }
        Ok(choice)
    }

    /// Of none first.
    fn predict(
        &self,
        operator: &dyn LinearOperator,
        shape: &Shape,
        vectors: usize,
        seed: u64,
    ) -> Result<Vec<Prediction>, SolveError> {
        let Some(spectrum) = Spectrum::of(operator, seed)? else {
            return Ok(Vec::new());
        };
        let alone = spectrum.products(shape, 0.0);
        let mut found = vec![Prediction {
            preconditioner: Preconditioner::None,
            products: shape.blocks * alone,
        }];
        if self.config.block_size != Some(1) {
            let later = spectrum.products(shape, alone);
            found.push(Prediction {
                preconditioner: Preconditioner::Recycled,
                products: alone + (shape.blocks - 1.0) * later,
            });
        }
        let law = operator.law();
        if law.damping > 0.0 {
            let ranks = std::iter::successors(Some(RANK), |rank| Some(2 * rank));
            let ranks = ranks.take_while(|&rank| rank <= vectors.min(operator.dim()));
            let sketches = ranks.map(|rank| Prediction {
                preconditioner: Preconditioner::Nystroem(NystroemConfig {
                    rank,
                    seed,
                    ..NystroemConfig::default()
                }),
                products: rank as f64
                    + shape.blocks * spectrum.products(shape, KNOWN * rank as f64),
            });
            found.extend(sketches.min_by(|a, b| a.products.total_cmp(&b.products)));
        }
        let config = DiagonalConfig {
            probes: PROBES,
            seed,
            ..DiagonalConfig::default()
        };
        // What has no positive diagonal has no such preconditioner.
        if let Ok(diagonal) = config.clone().init()?.diagonal(operator) {
            let scaled = JacobiScaled::new(operator, diagonal);
            if let Some(spectrum) = Spectrum::of(&scaled, seed)? {
                let probes = DiagonalConfig::default().probes;
                found.push(Prediction {
                    preconditioner: Preconditioner::Jacobi(DiagonalConfig { probes, ..config }),
                    products: probes as f64 + shape.blocks * spectrum.products(shape, 0.0),
                });
            }
        }
        Ok(found)
    }
}

/// What there is to solve.
struct Shape {
    width: f64,
    blocks: f64,
    /// `ln(2 / tolerance)`.
    logarithm: f64,
}

/// Eigenvalues, descending, and about how many there are of each.
struct Spectrum {
    values: Vec<(f64, f64)>,
    least: f64,
}

impl Spectrum {
    fn of(operator: &dyn LinearOperator, seed: u64) -> Result<Option<Self>, SolveError> {
        let dim = operator.dim();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let start = random_signs(operator, 1, &mut rng);
        let space = krylov_space(operator, start, STEPS.min(dim))?;
        let Some(values) = space.as_ref().and_then(Space::quadrature) else {
            return Ok(None);
        };
        let values: Vec<_> = values
            .into_iter()
            .map(|(value, share)| (value, share * dim as f64))
            .collect();
        let least = values
            .last()
            .map_or(0.0, |it| it.0)
            .max(operator.law().damping);
        Ok((least > 0.0).then_some(Self { values, least }))
    }

    /// The products of a block, where `known` vectors are known.
    fn products(&self, shape: &Shape, known: f64) -> f64 {
        let mut above = 0.0;
        let mut fewest = f64::INFINITY;
        for (value, count) in &self.values {
            let condition = (value / self.least).max(1.0);
            let iterations = 0.5 * condition.sqrt() * shape.logarithm;
            // Within the eigenvalues of this size nothing changes until all are gone.
            if above + count > known {
                let spent = (above - known).max(0.0);
                fewest = fewest.min(spent + shape.width * iterations.max(1.0));
            }
            above += count;
        }
        fewest.min((above - known).max(shape.width))
    }
}

/// `D^-1/2 A D^-1/2`: the matrix that conjugate gradients have to do with where the diagonal preconditions.
struct JacobiScaled<'a> {
    operator: &'a dyn LinearOperator,
    roots: Tensor<1>,
}

impl<'a> JacobiScaled<'a> {
    fn new(operator: &'a dyn LinearOperator, diagonal: Tensor<1>) -> Self {
        let roots = diagonal.sqrt().recip();
        Self { operator, roots }
    }
}

impl LinearOperator for JacobiScaled<'_> {
    fn dim(&self) -> usize {
        self.operator.dim()
    }

    fn device(&self) -> Device {
        self.operator.device()
    }

    fn dtype(&self) -> DType {
        self.operator.dtype()
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        Ok(self.operator.product(v * self.roots.clone())? * self.roots.clone())
    }
}
