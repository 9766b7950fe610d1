//! Conjugate gradients for many right-hand sides in step: coefficients of each its own, products at once. What block
//! conjugate gradients are measured against.

use backdraft_curvature::LinearOperator;
use burn::tensor::{Int, Tensor};

use crate::CliError;

/// Starts from the recomputed residual, after which rounding has had its say.
const STARTS: usize = 4;

/// The largest true relative residual of all right-hand sides, once each is at most `tolerance`, or rounding does not
/// let it be.
pub(super) fn solve(
    matrix: &dyn LinearOperator,
    rhs: Vec<Tensor<1>>,
    tolerance: f64,
) -> Result<f64, CliError> {
    let rhs = Tensor::stack::<2>(rhs, 0);
    let lengths = rhs.clone().square().sum_dim(1).sqrt();
    let rhs = rhs / lengths;
    let mut solution = rhs.zeros_like();
    let mut residual = rhs.clone();
    let mut target = tolerance;
    let mut worst = f64::INFINITY;
    for _ in 0..STARTS {
        solution = solution + descend(matrix, residual, target)?;
        residual = rhs.clone() - matrix.products(solution.clone())?;
        let now = norms(&residual)?.into_iter().fold(0.0, f64::max);
        let gained = now <= 0.5 * worst;
        worst = worst.min(now);
        if worst <= tolerance || !gained {
            break;
        }
        // Some room, so that the next round cannot end a hair above the tolerance.
        target = 0.5 * tolerance;
    }
    Ok(worst)
}

/// The change of the solutions that brings all recursive residuals to at most `target`.
fn descend(
    matrix: &dyn LinearOperator,
    residual: Tensor<2>,
    target: f64,
) -> Result<Tensor<2>, CliError> {
    let mut change = residual.zeros_like();
    let (mut r, mut p) = (residual.clone(), residual);
    let mut squares = r.clone().square().sum_dim(1);
    // Rows that are not solved.
    let mut open: Vec<i64> = (0..r.dims()[0] as i64).collect();
    for _ in 0..1_000 {
        let lengths = norms(&r)?;
        let kept: Vec<i64> = (0..open.len() as i64)
            .filter(|&row| lengths[row as usize] > target)
            .collect();
        if kept.len() < open.len() {
            open = kept.iter().map(|&row| open[row as usize]).collect();
            let rows = indices(&kept, &r);
            [r, p, squares] = [r, p, squares].map(|it| it.select(0, rows.clone()));
        }
        if open.is_empty() {
            break;
        }
        let product = matrix.products(p.clone())?;
        let step = squares.clone() / (p.clone() * product.clone()).sum_dim(1);
        let along = p.clone() * step.clone();
        let rows = indices(&open, &r);
        change = change.select_assign(0, rows, along, burn::tensor::IndexingUpdateOp::Add);
        r = r - product * step;
        let next = r.clone().square().sum_dim(1);
        p = r.clone() + p * (next.clone() / squares);
        squares = next;
    }
    Ok(change)
}

fn indices(rows: &[i64], like: &Tensor<2>) -> Tensor<1, Int> {
    Tensor::from_data(rows, &like.device())
}

fn norms(rows: &Tensor<2>) -> Result<Vec<f64>, CliError> {
    let norms = rows.clone().square().sum_dim(1).sqrt();
    let norms = norms.try_into_vec_as::<f64>();
    norms.map_err(|error| CliError::Execution(error.to_string()))
}
