//! Square roots of curvature matrices, a few rows an example.

use burn::Tensor;

use super::pull_back::{PullBack, every_column};
use crate::{BatchFunction, Cost, CurvatureError};

impl Cost {
    /// Rows `R`, `[N outputs, dim]`, of which the Gauss-Newton matrix without the L2 term is `R' R`: what the columns
    /// of a square root of every example's output Hessian are pulled back to, divided by the root of `N`. As many
    /// reverse passes over the examples as there are outputs, and `N outputs dim` numbers: for few examples, or few
    /// outputs.
    ///
    /// # Errors
    /// [`CurvatureError::NotConvex`], [`CurvatureError::NoRoot`], [`CurvatureError::Program`].
    pub fn gauss_newton_root(&self) -> Result<Tensor<2>, CurvatureError> {
        if !self.loss().convex() {
            return Err(CurvatureError::NotConvex);
        }
        let pull_back = PullBack::new(self)?;
        let all: Vec<usize> = (0..self.model().parameters().len()).collect();
        let (quantities, places) = pull_back.quantities(&[], &all)?;
        let mixture = every_column(self, pull_back.outputs());
        let mut parts = Vec::new();
        pull_back.for_each(self, &quantities, &mixture, |part| {
            let pieces = places.whole.iter().map(|&at| part.gradients(at));
            parts.push(Tensor::cat(pieces.collect(), 1));
            Ok(())
        })?;
        Ok(Tensor::cat(parts, 0) / (self.len() as f64).sqrt())
    }
}

/// Rows `R`, a few an example, whose sum of squares `R' R` is a curvature matrix without the L2 term.
#[derive(Clone, Copy)]
pub enum ExampleRoot<'a> {
    /// As many an example as it has outputs ([`Cost::gauss_newton_root`]).
    GaussNewton(&'a Cost),
    /// Its gradient, divided by the root of `N`.
    EmpiricalFisher(&'a Cost),
}

impl ExampleRoot<'_> {
    /// How many rows an example has.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn rows_per_example(&self) -> Result<usize, CurvatureError> {
        match self {
            Self::GaussNewton(cost) => {
                let outputs = cost.program(BatchFunction::OUTPUTS)?;
                Ok(outputs.outputs()[0].shape[1])
            }
            Self::EmpiricalFisher(_) => Ok(1),
        }
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn count(&self) -> Result<usize, CurvatureError> {
        let (Self::GaussNewton(cost) | Self::EmpiricalFisher(cost)) = self;
        Ok(cost.len() * self.rows_per_example()?)
    }

    /// The rows of the examples `indices` alone, one example's after another's, `[examples * rows an example, dim]`,
    /// undivided by `N`: those of one example are a root of its own matrix `H_z = R_z' R_z`, of which the curvature
    /// matrix is the mean.
    ///
    /// # Errors
    /// As [`rows`](Self::rows); [`CurvatureError::Index`].
    pub fn rows_of(&self, indices: &[usize]) -> Result<Tensor<2>, CurvatureError> {
        let (Self::GaussNewton(cost) | Self::EmpiricalFisher(cost)) = self;
        let selected = cost.select(indices)?;
        match self {
            Self::GaussNewton(_) => {
                Ok(selected.gauss_newton_root()? * (indices.len() as f64).sqrt())
            }
            Self::EmpiricalFisher(_) => selected.gradients(),
        }
    }

    /// All rows, `[rows, dim]`.
    ///
    /// # Errors
    /// As [`Cost::gauss_newton_root`] and [`Cost::gradients`].
    pub fn rows(&self) -> Result<Tensor<2>, CurvatureError> {
        match self {
            Self::GaussNewton(cost) => cost.gauss_newton_root(),
            Self::EmpiricalFisher(cost) => Ok(cost.gradients()? / (cost.len() as f64).sqrt()),
        }
    }
}
