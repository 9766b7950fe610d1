//! How many products the solver needs: counted where its settings say so, else predicted.

use std::fmt;

use backdraft_influence::{DiagonalConfig, Growth, KfacConfig};
use burn::tensor::DType;

use super::{Range, Sizes, measured::Batch};
use crate::{
    CliError,
    args::{Damping, Explain, Rank, SolverName},
    solve::{DEPTH, REPEATS},
};

/// Rank of sketches and Krylov spaces where none is given.
const RANK: usize = 100;

/// Most iterations of conjugate gradients.
const MOST: f64 = 1_000.0;

/// The share of the bound on the iterations for one right-hand side that was seen to suffice: for one, and for a block
/// of a hundred (`docs/solves.md`: five to eight times fewer than one by one).
const ALONE: f64 = 0.1;
const BLOCK: f64 = 0.02;

/// Products with all training examples.
pub(super) struct ProductNeed {
    /// Before any query, with one vector each.
    pub preparing: Range,
    /// For the queries that are gone through at once, with all their vectors each.
    pub each: Range,
    /// The most iterations, whose vectors conjugate gradients keep.
    pub steps: f64,
    /// How it is known.
    why: String,
}

impl ProductNeed {
    pub fn of(
        args: &Explain,
        sizes: &Sizes,
        damping: &Damping,
        batch: &Batch,
    ) -> Result<Self, CliError> {
        let counted = |preparing: usize, each: usize, why: &str| Self {
            preparing: [preparing as f64; 2],
            each: [each as f64; 2],
            steps: 0.0,
            why: format!("counted, {why}"),
        };
        let [least, rank] = match args.solver.rank {
            Some(Rank::Of(rank)) => [rank; 2],
            Some(Rank::Auto) => [Rank::FIRST, Growth::default().most],
            None => [RANK; 2],
        };
        let outputs = batch.outputs().unwrap_or(1);
        Ok(match args.solver() {
            SolverName::Cg => return iterations(args, sizes, damping, batch),
            SolverName::Lissa => {
                let depth = args.solver.depth.unwrap_or(DEPTH);
                let repeats = args.solver.repeats.unwrap_or(REPEATS);
                let share = batch.examples() as f64 / sizes.train as f64;
                let steps = (depth * repeats) as f64 * share + repeats as f64;
                Self {
                    preparing: [1.0, 20.0],
                    each: [0.5 * steps, 1.5 * steps],
                    steps: 0.0,
                    why: "predicted, LiSSA's steps as shares of products".into(),
                }
            }
            SolverName::Direct => {
                counted(sizes.parameters, 1, "one a parameter for the dense matrix")
            }
            SolverName::Dual => {
                let rows = outputs * sizes.train;
                let passes = rows as f64 / sizes.train as f64;
                Self {
                    preparing: [passes, 4.0 * passes],
                    each: [1.0; 2],
                    steps: 0.0,
                    why: format!("predicted, rows of a kernel matrix of {rows} x {rows}"),
                }
            }
            SolverName::Ekfac | SolverName::Kfac => {
                let columns = outputs.min(KfacConfig::default().columns);
                let passes = if args.solver() == SolverName::Ekfac {
                    2
                } else {
                    1
                };
                let passes = passes * columns;
                Self {
                    preparing: [0.5 * passes as f64, 4.0 * passes as f64],
                    each: [1.0; 2],
                    steps: 0.0,
                    why: format!("predicted, {passes} passes for the factors"),
                }
            }
            SolverName::Nystroem => Self {
                preparing: [least as f64, rank as f64],
                ..counted(rank, 1, "one for each vector of the sketch")
            },
            SolverName::Lanczos => counted(2 * rank, 1, "two for each eigenvalue"),
            SolverName::Diagonal => {
                counted(DiagonalConfig::default().probes, 1, "one for each probe")
            }
        })
    }
}

/// Of conjugate gradients: the bound `sqrt(condition number) / 2 ln(2 / tolerance)`, with the condition number as a batch
/// tells, and what was seen of it.
fn iterations(
    args: &Explain,
    sizes: &Sizes,
    damping: &Damping,
    batch: &Batch,
) -> Result<ProductNeed, CliError> {
    let largest = batch.largest_eigenvalue()?;
    let tolerance = args.solver.tolerance.unwrap_or(match batch.dtype() {
        DType::F64 => 1e-10,
        _ if args.products.half().is_some() => 1e-2,
        _ => 1e-5,
    });
    // A rule takes a tenth of the mean eigenvalue or more, which is not known yet.
    let least = damping
        .given()
        .iter()
        .copied()
        .fold(f64::INFINITY, f64::min);
    let least = match least.is_finite() {
        true => least,
        false => 1e-4 * largest,
    };
    let most = MOST.min(10.0 * sizes.parameters as f64);
    let bound = 0.5 * (largest / least + 1.0).sqrt() * (2.0 / tolerance).ln();
    let share = match sizes.at_once {
        1 => ALONE,
        _ => BLOCK,
    };
    let [low, high] = [share * bound, bound].map(|it| it.clamp(2.0, most));
    // That which recomputes the residual.
    let each = [low + 1.0, high + 2.0];
    // Several dampings share a space.
    let further = (sizes.dampings - 1) as f64;
    let of = match sizes.at_once {
        1 => "a query".to_owned(),
        at_once => format!("a block of {at_once}"),
    };
    Ok(ProductNeed {
        preparing: [0.0; 2],
        each: [each[0] + further, each[1] + 2.0 * further],
        steps: high,
        why: format!(
            "predicted for {of}, from the largest eigenvalue of the batch, {largest:.2e} (measured), the damping {least:.1e} and \
             the tolerance {tolerance:.0e}"
        ),
    })
}

impl fmt::Display for ProductNeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = |[least, most]: Range| match least == most {
            true => format!("{least:.0}"),
            false => format!("{least:.0} to {most:.0}"),
        };
        write!(f, "products: {} before any query, ", range(self.preparing))?;
        write!(
            f,
            "then {} with all vectors at once; {}",
            range(self.each),
            self.why
        )
    }
}
