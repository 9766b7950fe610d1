//! Block conjugate gradients: many right-hand sides, one Krylov space.
//!
//! ```text
//! Q Y' = B - A X         Q orthonormal, Y a column's coefficients a row (vectors are columns here)
//! X += S (S'AS)^-1 Y'    S the directions, as many as there are right-hand sides
//! Q Z  = Q - AS (S'AS)^-1,  Y' = Z Y',  S = Q + S Z'
//! ```
//!
//! (O'Leary 1980, in the form of Dubrulle 2001, which needs no right-hand side to be independent of the others.) Each
//! column is as near as all products together can bring it: of a hundred queries each needs a fraction of the products
//! that it needs alone. In exact arithmetic `Q` is orthogonal to all before it, and `S` conjugate to the last `S`;
//! both are restored in each step as far as memory goes, without which rounding, in 32 bits above all, costs a third of
//! the products. The residual at the end is recomputed; where rounding has driven the two apart, the iteration starts
//! again from what is reached.

mod basis;
mod krylov;
mod path;
mod space;

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use self::krylov::{Krylov, PreconditionedOperator};
pub(in crate::solver) use self::space::Space;
pub(super) use self::{krylov::StandIn, path::solve_path, space::SpaceInverse};
use crate::solver::{
    SolveError,
    rows::{mix, norms},
};

/// Vectors that a step holds for each right-hand side at most, as `tests/memory.rs` measures: its solution and
/// residual, basis, direction, product, and what is computed of them.
const WORKING: usize = 13;

/// The same where there is a preconditioner.
const PRECONDITIONED: usize = 16;

/// Earlier bases that there is always room for.
const BASES: usize = 3;

/// Steps that the memory of a block is laid out for where all of them are kept.
const STEPS: usize = 24;

/// What block conjugate gradients are asked for.
pub(super) struct BlockSettings<'a> {
    pub operator: &'a dyn LinearOperator,
    pub preconditioner: Option<StandIn<'a>>,
    pub tolerance: f64,
    pub max_iterations: usize,
    /// Bytes for all vectors.
    pub memory: usize,
}

impl BlockSettings<'_> {
    /// Right-hand sides that are solved at once.
    pub fn width(&self) -> usize {
        let bases = BASES * (1 + usize::from(self.preconditioner.is_some()));
        (self.vectors() / (self.working() + bases)).max(1)
    }

    /// Right-hand sides that are solved at once where the space is kept.
    pub fn exploring_width(&self) -> usize {
        (self.vectors() / (self.working() + STEPS)).max(1)
    }

    /// Vectors of earlier bases that there is memory for, beside `count` right-hand sides.
    fn room(&self, count: usize) -> usize {
        self.vectors().saturating_sub(self.working() * count)
    }

    fn working(&self) -> usize {
        match self.preconditioner {
            Some(_) => PRECONDITIONED,
            None => WORKING,
        }
    }

    fn vectors(&self) -> usize {
        self.memory / self.vector()
    }

    /// Bytes of a vector.
    pub fn vector(&self) -> usize {
        (self.operator.dim() * self.operator.dtype().size()).max(1)
    }
}

/// One right-hand side, and what is reached of it.
#[derive(Clone)]
pub(super) struct Column {
    rhs: Tensor<1>,
    /// The solution, `[dim]`.
    pub solution: Tensor<1>,
    /// What is left of the right-hand side.
    pub residual: Tensor<1>,
    /// The residual of the solution, recomputed.
    pub true_residual: f64,
    /// The recursive residual at the start and after every iteration.
    pub residuals: Vec<f64>,
    /// Iterations that it took part in.
    pub iterations: usize,
    /// Products that it took part in.
    pub products: f64,
}

impl Column {
    /// A right-hand side of length one, of which nothing is solved.
    pub fn new(rhs: Tensor<1>) -> Self {
        Self {
            solution: rhs.zeros_like(),
            residual: rhs.clone(),
            rhs,
            true_residual: 1.0,
            residuals: vec![1.0],
            iterations: 0,
            products: 0.0,
        }
    }

    /// The solution in `row`, if its true residual, of this `length`, is less than that so far.
    fn take(&mut self, row: usize, length: f64, solutions: &Tensor<2>, residuals: &Tensor<2>) {
        if length < self.true_residual {
            let at = |all: &Tensor<2>| all.clone().slice(row..row + 1).squeeze_dim(0);
            self.true_residual = length;
            self.solution = at(solutions);
            self.residual = at(residuals);
        }
    }
}

/// Solves on for right-hand sides of length one, from what is reached of them. What is not solved to the tolerance at
/// the end has met the limit of iterations, of rounding, or a matrix that is not positive definite.
pub(super) fn solve(settings: &BlockSettings, columns: &mut [Column]) -> Result<(), SolveError> {
    let tolerance = settings.tolerance;
    let mut open: Vec<&mut Column> = columns.iter_mut().collect();
    let (mut iterations, mut before) = (0, worst(&open));
    let mut target = if before < 1.0 {
        0.5 * tolerance
    } else {
        tolerance
    };
    while before > tolerance && iterations < settings.max_iterations {
        // Those that are nearly solved help.
        open.retain(|column| column.true_residual > 0.25 * tolerance);
        let (change, _) = descend(settings, &mut open, target, &mut iterations, false)?;
        check(settings.operator, &mut open, change)?;
        let now = worst(&open);
        if now > 0.5 * before {
            break;
        }
        before = now;
        // Some room, so that the next round cannot end a hair above the tolerance.
        target = 0.5 * tolerance;
    }
    Ok(())
}

/// Solves for right-hand sides of which nothing is solved as [`solve`] begins, but keeps the space. Where there is no
/// room for more of it, that is the end.
pub(super) fn explore(
    settings: &BlockSettings,
    columns: &mut [Column],
) -> Result<Option<Space>, SolveError> {
    let mut open: Vec<&mut Column> = columns.iter_mut().collect();
    let (change, space) = descend(settings, &mut open, settings.tolerance, &mut 0, true)?;
    check(settings.operator, &mut open, change)?;
    Ok(space)
}

/// The Krylov space of `steps` products with the rows `start` and what they lead to; fewer where it ends, or the matrix
/// is not positive definite in it. `None` if there is none, or it is not finite.
pub(in crate::solver) fn krylov_space(
    operator: &dyn LinearOperator,
    start: Tensor<2>,
    steps: usize,
) -> Result<Option<Space>, SolveError> {
    let system = PreconditionedOperator {
        operator,
        preconditioner: None,
    };
    let Some((mut krylov, _)) = Krylov::new(system, start, usize::MAX, true)? else {
        return Ok(None);
    };
    for _ in 0..steps {
        match krylov.step()? {
            Some(step) if step.coefficients.is_some() => {}
            _ => break,
        }
    }
    Ok(krylov.into_space())
}

/// Iterates until all recursive residuals are at most `target`, and gives the change of the solutions, and the space
/// that they were found in if it is to be kept.
fn descend(
    settings: &BlockSettings,
    open: &mut [&mut Column],
    target: f64,
    iterations: &mut usize,
    keep: bool,
) -> Result<(Tensor<2>, Option<Space>), SolveError> {
    let system = PreconditionedOperator {
        operator: settings.operator,
        preconditioner: settings.preconditioner,
    };
    let residual = stack(open, |column| &column.residual);
    let mut change = residual.zeros_like();
    let room = settings.room(open.len());
    let Some((mut krylov, mut y)) = Krylov::new(system, residual, room, keep)? else {
        return Ok((change, None));
    };
    while *iterations < settings.max_iterations && !krylov.is_full() {
        let Some(step) = krylov.step()? else {
            break;
        };
        *iterations += 1;
        change = change + mix(&y, &step.change);
        let lengths = match &step.coefficients {
            Some(coefficients) => {
                y = y.times(coefficients);
                krylov.lengths(&y)?
            }
            None => vec![0.0; open.len()],
        };
        for (column, length) in open.iter_mut().zip(&lengths) {
            column.iterations += 1;
            column.products += 1.0;
            column.residuals.push(*length);
        }
        if step.coefficients.is_none() || lengths.iter().all(|length| *length <= target) {
            break;
        }
    }
    Ok((change, krylov.into_space()))
}

/// Adds the change to the solutions that it brings nearer by the true residual.
fn check(
    operator: &dyn LinearOperator,
    open: &mut [&mut Column],
    change: Tensor<2>,
) -> Result<(), SolveError> {
    let solutions = stack(open, |column| &column.solution) + change;
    let residuals = stack(open, |column| &column.rhs) - operator.products(solutions.clone())?;
    let lengths = norms(&residuals)?;
    for (row, (column, length)) in open.iter_mut().zip(lengths).enumerate() {
        column.products += 1.0;
        column.take(row, length, &solutions, &residuals);
    }
    Ok(())
}

/// The largest true residual.
fn worst(columns: &[&mut Column]) -> f64 {
    let residuals = columns.iter().map(|it| it.true_residual);
    residuals.fold(0.0, f64::max)
}

/// A vector of each column as the rows of a tensor.
fn stack(columns: &[&mut Column], vector: impl Fn(&Column) -> &Tensor<1>) -> Tensor<2> {
    Tensor::stack(
        columns
            .iter()
            .map(|column| vector(column).clone())
            .collect(),
        0,
    )
}
