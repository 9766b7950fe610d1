//! The inverse of a matrix, as it is needed.

use burn::tensor::Tensor;

use super::{Factors, Solution, SolveError};

/// The inverse of a positive definite matrix `A`, known by what it makes of vectors: a [`Solver`](super::Solver) made
/// ready for an operator.
pub trait Inverse {
    /// `A^-1 rhs`, for a right-hand side of shape `[dim]`, with the true residual of what is returned. A right-hand
    /// side of zeros has the solution zero, at no cost.
    ///
    /// # Errors
    /// [`SolveError::NotConverged`], with the best solution found, if the true residual is above the tolerance; the
    /// solver's own failures; [`SolveError::Dimension`], [`SolveError::Placement`] and [`SolveError::NotFinite`] for a
    /// right-hand side that does not fit the operator.
    fn solve(&self, rhs: Tensor<1>) -> Result<Solution, SolveError>;

    /// Solves for several right-hand sides of shape `[dim]`. One that fails does not stop the others.
    ///
    /// [`ConjugateGradient`](super::ConjugateGradient) takes them as one block, which needs a fraction of the products:
    /// each is solved to the tolerance, and in which numbers depends on its company within that. Of the other solvers
    /// each has the same bits as by itself; [`Lissa`](super::Lissa) draws the same batches for all, and does once what
    /// does not depend on the right-hand side.
    ///
    /// # Errors
    /// What fails for all, such as a device; each result, as [`solve`](Self::solve).
    fn solve_many(
        &self,
        rhs: Vec<Tensor<1>>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        Ok(rhs.into_iter().map(|rhs| self.solve(rhs)).collect())
    }

    /// What it is made of, in a line for people: how much of a network an approximation knows, for example.
    fn describe(&self) -> Option<String> {
        None
    }

    /// What it is made of beside the operator, and has learnt of it, for a later process to
    /// [restore](super::Solver::restore): with it the same bits, without the products that it took. `None` where there is
    /// nothing, as of conjugate gradients without a preconditioner.
    fn factors(&self) -> Option<Factors> {
        None
    }

    /// `A^-1` times the rows of `rhs`, `[k, dim]`, without evidence: what a preconditioner is asked for.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    fn apply_many(&self, rhs: Tensor<2>) -> Result<Tensor<2>, SolveError> {
        let rows = rhs.split(1, 0);
        let rows = rows.into_iter().map(|row| row.squeeze_dim(0)).collect();
        let solved = self.solve_many(rows)?.into_iter();
        let solved = solved.map(|found| found.map(|solution| solution.vector));
        Ok(Tensor::stack(solved.collect::<Result<_, _>>()?, 0))
    }
}
