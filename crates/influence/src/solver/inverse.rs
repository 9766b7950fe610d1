//! The inverse of a matrix, as it is needed.

use burn::tensor::Tensor;

use super::{Solution, SolveError};

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

    /// Solves for several right-hand sides of shape `[dim]`, each to the same bits as by itself.
    /// [`Lissa`](super::Lissa) draws the same batches for all, and does once what does not depend on the right-hand
    /// side. One that fails does not stop the others.
    ///
    /// # Errors
    /// What fails for all, such as a device; each result, as [`solve`](Self::solve).
    fn solve_many(
        &self,
        rhs: Vec<Tensor<1>>,
    ) -> Result<Vec<Result<Solution, SolveError>>, SolveError> {
        Ok(rhs.into_iter().map(|rhs| self.solve(rhs)).collect())
    }
}
