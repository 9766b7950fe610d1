//! The systems of several dampings, from one Krylov space.
//!
//! The space of a matrix and that of the matrix with damping are the same, so the solutions for all dampings are in the
//! space in which block conjugate gradients find that for the least, and the larger the damping the fewer steps it
//! needs. Of each other damping the solution is the Galerkin one, `Q (Q'AQ)^-1 Q'b`, which takes no product; its true
//! residual takes one. What rounding leaves is solved for in the space once more.

use backdraft_curvature::{Damped, LinearOperator};
use burn::tensor::Tensor;

use super::{BlockSettings, Column, check, explore, solve, space::Space, stack, worst};
use crate::solver::SolveError;

/// Solutions in the space, each of what the last has left.
const PROJECTIONS: usize = 3;

/// Solves `(A + damping I) x = b` for right-hand sides of length one and dampings from the largest to the least: for
/// each damping the columns. `settings` are those of the least, whose operator is `A` damped by it, and give the
/// tolerance and memory of all.
pub(in super::super) fn solve_path(
    settings: &BlockSettings,
    matrix: &dyn LinearOperator,
    dampings: &[f64],
    rhs: Vec<Tensor<1>>,
) -> Result<Vec<Vec<Column>>, SolveError> {
    let Some((least, others)) = dampings.split_last() else {
        return Ok(Vec::new());
    };
    let start: Vec<Column> = rhs.into_iter().map(Column::new).collect();
    let mut last = start.clone();
    let space = explore(settings, &mut last)?;
    let steps = last.iter().map(|it| it.iterations).max().unwrap_or(0);

    let mut path = Vec::with_capacity(dampings.len());
    for damping in others {
        let mut columns = start.clone();
        let operator = Damped::new(matrix, *damping);
        let settings = BlockSettings {
            operator: &operator,
            ..*settings
        };
        if let Some(space) = &space {
            for column in &mut columns {
                column.iterations = steps;
                column.products = steps as f64;
            }
            project(&settings, space, damping - least, &mut columns)?;
        }
        solve(&settings, &mut columns)?;
        path.push(columns);
    }
    drop(space);
    solve(settings, &mut last)?;
    path.push(last);
    Ok(path)
}

/// Solves for the columns in the space of another shift, as far as the true residual falls.
fn project(
    settings: &BlockSettings,
    space: &Space,
    shift: f64,
    columns: &mut [Column],
) -> Result<(), SolveError> {
    let Some(inverse) = space.inverse(shift) else {
        return Ok(());
    };
    let mut open: Vec<&mut Column> = columns.iter_mut().collect();
    for _ in 0..PROJECTIONS {
        let before = worst(&open);
        let change = inverse.apply(&stack(&open, |column| &column.residual))?;
        check(settings.operator, &mut open, change)?;
        for column in &mut open {
            column.residuals.push(column.true_residual);
        }
        if worst(&open) > 0.5 * before {
            break;
        }
        open.retain(|column| column.true_residual > settings.tolerance);
        if open.is_empty() {
            break;
        }
    }
    Ok(())
}
