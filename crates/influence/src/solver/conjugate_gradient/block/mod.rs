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

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use self::krylov::{Krylov, PreconditionedOperator};
use crate::solver::{
    Inverse, SolveError,
    rows::{mix, norms},
};

/// Vectors that a step holds for each right-hand side: itself, its solution and residual, basis, direction, product,
/// and what is computed of them.
const WORKING: usize = 8;

/// The same where there is a preconditioner.
const PRECONDITIONED: usize = 11;

/// What block conjugate gradients are asked for.
pub(super) struct BlockSettings<'a> {
    pub operator: &'a dyn LinearOperator,
    pub preconditioner: Option<&'a dyn Inverse>,
    pub tolerance: f64,
    pub max_iterations: usize,
    /// Bytes for all vectors.
    pub memory: usize,
}

impl BlockSettings<'_> {
    /// Right-hand sides that are solved at once: their working vectors may take half the memory, earlier bases the
    /// rest.
    pub fn width(&self) -> usize {
        (self.vectors() / 2 / self.working()).max(1)
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
        self.memory / (self.operator.dim() * self.operator.dtype().size()).max(1)
    }
}

/// One right-hand side, and what is reached of it.
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
    /// Products that it took part in.
    pub products: f64,
}

impl Column {
    fn new(rhs: Tensor<1>) -> Self {
        Self {
            solution: rhs.zeros_like(),
            residual: rhs.clone(),
            rhs,
            true_residual: 1.0,
            residuals: vec![1.0],
            products: 0.0,
        }
    }
}

/// Solves for right-hand sides of length one. What is not solved to the tolerance at the end has met the limit of
/// iterations, of rounding, or a matrix that is not positive definite.
pub(super) fn solve(
    settings: &BlockSettings,
    rhs: Vec<Tensor<1>>,
) -> Result<Vec<Column>, SolveError> {
    let mut columns: Vec<Column> = rhs.into_iter().map(Column::new).collect();
    let (tolerance, mut target) = (settings.tolerance, settings.tolerance);
    let (mut iterations, mut before) = (0, 1.0);
    let mut open: Vec<&mut Column> = columns.iter_mut().collect();
    while !open.is_empty() && iterations < settings.max_iterations {
        let change = descend(settings, &mut open, target, &mut iterations)?;
        check(settings.operator, &mut open, change)?;
        let worst = open.iter().map(|it| it.true_residual).fold(0.0, f64::max);
        if worst <= tolerance || worst > 0.5 * before {
            break;
        }
        before = worst;
        // Some room, so that the next round cannot end a hair above the tolerance. Those that are nearly solved help.
        target = 0.5 * tolerance;
        open.retain(|column| column.true_residual > 0.25 * tolerance);
    }
    Ok(columns)
}

/// Iterates until all recursive residuals are at most `target`, and gives the change of the solutions.
fn descend(
    settings: &BlockSettings,
    open: &mut [&mut Column],
    target: f64,
    iterations: &mut usize,
) -> Result<Tensor<2>, SolveError> {
    let system = PreconditionedOperator {
        operator: settings.operator,
        preconditioner: settings.preconditioner,
    };
    let residual = stack(open, |column| &column.residual);
    let mut change = residual.zeros_like();
    let Some((mut krylov, mut y)) = Krylov::new(system, residual, settings.room(open.len()))?
    else {
        return Ok(change);
    };
    while *iterations < settings.max_iterations {
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
            column.products += 1.0;
            column.residuals.push(*length);
        }
        if step.coefficients.is_none() || lengths.iter().all(|length| *length <= target) {
            break;
        }
    }
    Ok(change)
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
        if length < column.true_residual {
            let at = |all: &Tensor<2>| all.clone().slice(row..row + 1).squeeze_dim(0);
            column.true_residual = length;
            column.solution = at(&solutions);
            column.residual = at(&residuals);
        }
    }
    Ok(())
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
