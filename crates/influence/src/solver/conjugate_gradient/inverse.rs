//! Conjugate gradients that are ready for an operator: for one right-hand side, or for a block.

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use super::{
    ConjugateGradient, NAME,
    block::{self, BlockSettings},
};
use crate::solver::{Inverse, Solution, SolveError, SolveInfo, vector::System};

/// Conjugate gradients with an operator, and its preconditioner.
pub(super) struct ConjugateGradientInverse<'a> {
    pub solver: &'a ConjugateGradient,
    pub operator: &'a dyn LinearOperator,
    pub preconditioner: Option<Box<dyn Inverse + 'a>>,
}

impl ConjugateGradientInverse<'_> {
    fn block(&self) -> Result<BlockSettings<'_>, SolveError> {
        Ok(BlockSettings {
            operator: self.operator,
            preconditioner: self.preconditioner.as_deref(),
            tolerance: self.solver.tolerance(self.operator.dtype())?,
            max_iterations: self.solver.max_iterations(self.operator),
            memory: self.solver.config.memory,
        })
    }

    /// Solves as one block, and what that leaves above the tolerance one by one, from where it is.
    fn solve_block(
        &self,
        block: &BlockSettings,
        systems: &[System],
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let rhs = systems.iter().map(|system| system.rhs.clone()).collect();
        let columns = block::solve(block, rhs)?.into_iter().zip(systems);
        let solutions = columns.map(|(column, system)| {
            let mut info = SolveInfo::new(NAME, block.tolerance);
            info.iterations = column.residuals.len() - 1;
            info.products = column.products;
            info.residuals = column.residuals;
            info.true_residual = column.true_residual;
            if info.true_residual > block.tolerance {
                let single = self.solver.single(system);
                return single.solve(column.solution, column.residual, info);
            }
            let vector = system.unscaled(column.solution)?;
            Ok(Solution { vector, info })
        });
        Ok(solutions.collect())
    }
}

impl Inverse for ConjugateGradientInverse<'_> {
    fn describe(&self) -> Option<String> {
        self.preconditioner.as_ref()?.describe()
    }

    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        match self.preconditioner {
            None => self.solver.solve(self.operator, rhs),
            Some(_) => self.solve_many(vec![rhs])?.remove(0),
        }
    }

    fn solve_many(
        &self,
        rhs: Vec<Tensor<1>>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let block = self.block()?;
        let width = block.width();
        let width = self
            .solver
            .config
            .block_size
            .map_or(width, |it| it.min(width));
        let width = rhs.len().div_ceil(rhs.len().div_ceil(width).max(1)).max(1);
        if width == 1 && self.preconditioner.is_none() {
            return Ok(rhs.into_iter().map(|rhs| self.solve(rhs)).collect());
        }
        let mut found: Vec<Option<Result<Solution, SolveError>>> = Vec::new();
        let (mut systems, mut places) = (Vec::new(), Vec::new());
        for (place, rhs) in rhs.iter().enumerate() {
            found.push(match System::new(self.operator, rhs) {
                Ok(Some(system)) => {
                    systems.push(system);
                    places.push(place);
                    None
                }
                Ok(None) => Some(Ok(Solution::zero(rhs, NAME, block.tolerance))),
                Err(error) => Some(Err(error)),
            });
        }
        for (systems, places) in systems.chunks(width).zip(places.chunks(width)) {
            let solved = self.solve_block(&block, systems);
            let solved = solved.map_err(|error| error.on(self.operator))?;
            for (&place, solution) in places.iter().zip(solved) {
                found[place] = Some(solution.map_err(|error| error.on(self.operator)));
            }
        }
        Ok(found
            .into_iter()
            .map(|it| it.expect("each is solved, zero, or refused"))
            .collect())
    }
}
