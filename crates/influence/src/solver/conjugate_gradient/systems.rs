//! Several right-hand sides at once.

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use super::{
    ConjugateGradient, NAME,
    block::{BlockSettings, Column, StandIn},
};
use crate::solver::{Solution, SolveError, SolveInfo, vector::System};

/// The systems of one matrix: those to be solved, and the places of all.
pub(super) struct Systems<'a> {
    operator: &'a dyn LinearOperator,
    /// What is neither zero nor refused.
    pub open: Vec<System<'a>>,
    /// What is known already; `None` where a system is open.
    found: Vec<Option<Result<Solution, SolveError>>>,
}

impl<'a> Systems<'a> {
    pub fn new(operator: &'a dyn LinearOperator, rhs: &[Tensor<1>], tolerance: f64) -> Self {
        let mut open = Vec::new();
        let found = rhs.iter().map(|rhs| match System::new(operator, rhs) {
            Ok(Some(system)) => {
                open.push(system);
                None
            }
            Ok(None) => Some(Ok(Solution::zero(rhs, NAME, tolerance))),
            Err(error) => Some(Err(error)),
        });
        let found = found.collect();
        Self {
            operator,
            open,
            found,
        }
    }

    /// All solutions in order, those of the open systems being `solved`.
    pub fn with(
        &mut self,
        solved: Vec<Result<Solution, SolveError>>,
    ) -> Vec<Result<Solution, SolveError>> {
        let mut solved = solved.into_iter();
        let mut next = || solved.next().expect("a solution for each open system");
        let found = std::mem::take(&mut self.found).into_iter();
        let found = found.map(|known| known.unwrap_or_else(&mut next));
        found
            .map(|it| it.map_err(|error| error.on(self.operator)))
            .collect()
    }
}

/// Right-hand sides of a block, where `count` are shared out evenly among as few as can be, at most `width` in each,
/// and at most `limit`.
pub(super) fn chunk(count: usize, width: usize, limit: Option<usize>) -> usize {
    let width = limit.map_or(width, |limit| limit.min(width));
    count.div_ceil(count.div_ceil(width).max(1)).max(1)
}

impl ConjugateGradient {
    pub(super) fn block<'a>(
        &self,
        operator: &'a dyn LinearOperator,
        preconditioner: Option<StandIn<'a>>,
    ) -> Result<BlockSettings<'a>, SolveError> {
        Ok(BlockSettings {
            operator,
            preconditioner,
            tolerance: self.tolerance(operator.dtype())?,
            max_iterations: self.max_iterations(operator),
            memory: self.config.memory,
        })
    }

    /// The solution of a column of a block; one above the tolerance is solved by itself, from where it is.
    pub(super) fn finished(
        &self,
        column: Column,
        system: &System,
        tolerance: f64,
    ) -> Result<Solution, SolveError> {
        let mut info = SolveInfo::new(NAME, tolerance);
        info.iterations = column.iterations;
        info.products = column.products;
        info.residuals = column.residuals;
        info.true_residual = column.true_residual;
        if info.true_residual > tolerance {
            let single = self.single(system);
            return single.solve(column.solution, column.residual, info);
        }
        let vector = system.unscaled(column.solution)?;
        Ok(Solution { vector, info })
    }
}
