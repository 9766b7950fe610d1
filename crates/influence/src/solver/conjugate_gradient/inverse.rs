//! Conjugate gradients that are ready for an operator: for one right-hand side, or for a block.

use std::sync::OnceLock;

use backdraft_curvature::LinearOperator;
use burn::tensor::Tensor;

use super::{
    ConjugateGradient,
    block::{self, BlockSettings, Column, SpaceInverse, StandIn},
    systems::{Systems, chunk},
};
use crate::solver::{Factors, Inverse, Preconditioner, Solution, SolveError, vector::System};

/// Conjugate gradients with an operator, and its preconditioner.
pub(super) struct ConjugateGradientInverse<'a> {
    solver: &'a ConjugateGradient,
    operator: &'a dyn LinearOperator,
    preconditioner: Option<Box<dyn Inverse + 'a>>,
    /// What the first block has learnt.
    learnt: OnceLock<SpaceInverse>,
}

impl<'a> ConjugateGradientInverse<'a> {
    pub fn new(
        solver: &'a ConjugateGradient,
        operator: &'a dyn LinearOperator,
    ) -> Result<Self, SolveError> {
        Ok(Self {
            solver,
            operator,
            preconditioner: solver.config.preconditioner.prepare(operator)?,
            learnt: OnceLock::new(),
        })
    }

    /// From what one was made of, and had learnt.
    pub fn restored(
        solver: &'a ConjugateGradient,
        operator: &'a dyn LinearOperator,
        mut factors: Factors,
    ) -> Result<Self, SolveError> {
        let learnt = OnceLock::new();
        if solver.config.preconditioner == Preconditioner::Recycled {
            let space = SpaceInverse::restored(&mut factors, operator)?;
            learnt.get_or_init(|| space);
        }
        Ok(Self {
            solver,
            operator,
            preconditioner: solver.config.preconditioner.restore(operator, factors)?,
            learnt,
        })
    }

    /// What stands in for the inverse by now.
    fn stand_in(&self) -> Option<StandIn<'_>> {
        match &self.preconditioner {
            Some(inverse) => Some(StandIn::Inverse(&**inverse)),
            None => self.learnt.get().map(StandIn::Space),
        }
    }

    fn block(&self) -> Result<BlockSettings<'_>, SolveError> {
        let mut block = self.solver.block(self.operator, self.stand_in())?;
        let learnt = self.learnt.get().map_or(0, SpaceInverse::vectors);
        block.memory = block.memory.saturating_sub(learnt * block.vector());
        Ok(block)
    }

    /// Whether there is something to learn.
    fn is_learning(&self) -> bool {
        self.solver.config.preconditioner == Preconditioner::Recycled && self.learnt.get().is_none()
    }

    /// Solves for all systems, in blocks.
    fn solve_blocks(
        &self,
        open: &[System],
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let limit = self.solver.config.block_size;
        let mut solved = Vec::with_capacity(open.len());
        if self.is_learning() && !open.is_empty() {
            let width = chunk(open.len(), self.block()?.exploring_width(), limit);
            solved.extend(self.learn(&open[..width])?);
        }
        let rest = &open[solved.len()..];
        let block = self.block()?;
        for systems in rest.chunks(chunk(rest.len(), block.width(), limit)) {
            let mut columns = columns(systems);
            block::solve(&block, &mut columns)?;
            solved.extend(self.finished(columns, systems, block.tolerance));
        }
        Ok(solved)
    }

    /// Solves for the first block, and learns from it: in which space it was solved.
    fn learn(&self, systems: &[System]) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let mut columns = columns(systems);
        let block = self.block()?;
        let space = block::explore(&block, &mut columns)?;
        if let Some(inverse) = space.and_then(|space| space.inverse(0.0)) {
            self.learnt.get_or_init(|| inverse);
        }
        block::solve(&self.block()?, &mut columns)?;
        Ok(self.finished(columns, systems, block.tolerance))
    }

    /// The solutions of columns. What is above the tolerance is solved by itself, from where it is.
    fn finished(
        &self,
        columns: Vec<Column>,
        systems: &[System],
        tolerance: f64,
    ) -> Vec<Result<Solution, SolveError>> {
        let columns = columns.into_iter().zip(systems);
        columns
            .map(|(column, system)| self.solver.finished(column, system, tolerance))
            .collect()
    }
}

fn columns(systems: &[System]) -> Vec<Column> {
    let columns = systems.iter().map(|system| Column::new(system.rhs.clone()));
    columns.collect()
}

impl Inverse for ConjugateGradientInverse<'_> {
    fn describe(&self) -> Option<String> {
        self.preconditioner.as_ref()?.describe()
    }

    fn factors(&self) -> Option<Factors> {
        match &self.preconditioner {
            Some(inverse) => inverse.factors(),
            None => self.learnt.get().map(SpaceInverse::factors),
        }
    }

    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError> {
        match self.solver.config.preconditioner {
            Preconditioner::None => self.solver.solve(self.operator, rhs),
            _ => self.solve_many(vec![rhs])?.remove(0),
        }
    }

    fn solve_many(
        &self,
        rhs: Vec<Tensor<1>>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        let config = &self.solver.config;
        let block = self.block()?;
        let alone = chunk(rhs.len(), block.width(), config.block_size) == 1;
        if alone && config.preconditioner == Preconditioner::None {
            return Ok(rhs.into_iter().map(|rhs| self.solve(rhs)).collect());
        }
        let mut systems = Systems::new(self.operator, &rhs, block.tolerance);
        let solved = self.solve_blocks(&systems.open);
        Ok(systems.with(solved.map_err(|error| error.on(self.operator))?))
    }
}
