//! The Krylov space of a block of vectors, a step at a time.

use std::collections::VecDeque;

use backdraft_curvature::LinearOperator;
use backdraft_dense::{Cholesky, DenseMatrix};
use burn::tensor::Tensor;

use super::basis::Basis;
use crate::solver::{
    Inverse, SolveError, epsilon,
    rows::{inner, mix, norms},
};

/// The matrix, and what stands in for its inverse.
#[derive(Clone, Copy)]
pub(super) struct PreconditionedOperator<'a> {
    pub operator: &'a dyn LinearOperator,
    pub preconditioner: Option<&'a dyn Inverse>,
}

impl PreconditionedOperator<'_> {
    /// `P w`, if there is a preconditioner `P`.
    fn precondition(&self, w: &Tensor<2>) -> Result<Option<Tensor<2>>, SolveError> {
        self.preconditioner
            .map(|it| it.apply_many(w.clone()))
            .transpose()
    }
}

/// The basis `q` of the residuals, the directions, and the bases before.
pub(super) struct Krylov<'a> {
    system: PreconditionedOperator<'a>,
    basis: Basis,
    directions: Tensor<2>,
    /// What the next basis is made orthogonal to: the latest that there is room for.
    earlier: VecDeque<Basis>,
    /// Vectors that there is room for.
    room: usize,
}

/// What a step does to the residuals `y q`, the rows of `y` being coefficients.
pub(super) struct KrylovStep {
    /// The change of the solutions is `y` times this.
    pub change: Tensor<2>,
    /// The new `y` is the old one times this; `None` where nothing is left of the residuals.
    pub coefficients: Option<DenseMatrix>,
}

impl<'a> Krylov<'a> {
    /// Of the rows of `residual`, with the coefficients that make these of the basis. `None` if they are not finite, or
    /// zero.
    pub fn new(
        system: PreconditionedOperator<'a>,
        residual: Tensor<2>,
        room: usize,
    ) -> Result<Option<(Self, DenseMatrix)>, SolveError> {
        let z = system.precondition(&residual)?;
        let found = Basis::new(residual, z)?;
        Ok(found.map(|(basis, coefficients)| {
            let directions = basis.z().clone();
            let krylov = Self {
                system,
                basis,
                directions,
                earlier: VecDeque::new(),
                room,
            };
            (krylov, coefficients)
        }))
    }

    /// One block product, and a step along it. `None` if the matrix is not positive definite along the directions, as
    /// far as rounding tells.
    pub fn step(&mut self) -> Result<Option<KrylovStep>, SolveError> {
        let directions = self.directions.clone();
        let products = self.system.operator.products(directions.clone())?;
        let curvature = inner(&directions, &products)?.symmetric();
        let Ok(factor) = Cholesky::new(curvature, epsilon(directions.dtype())) else {
            return Ok(None);
        };
        let inverse = factor.inverse();
        let change = mix(&inverse, &directions);
        let mut w = self.basis.q.clone() - mix(&inverse, &products);
        let mut z = self.system.precondition(&w)?;
        for basis in self.earlier.iter().chain([&self.basis]) {
            basis.project_out(&mut w, &mut z);
        }
        let Some((basis, coefficients)) = Basis::new(w, z)? else {
            let coefficients = None;
            return Ok(Some(KrylovStep {
                change,
                coefficients,
            }));
        };
        // Conjugate to the last directions, once more where rounding has left something.
        let next = basis.z().clone() + mix(&coefficients.transpose(), &directions);
        let along = next.clone().matmul(products.transpose());
        self.directions = next - along.matmul(change.clone());
        let last = std::mem::replace(&mut self.basis, basis);
        self.keep(last);
        Ok(Some(KrylovStep {
            change,
            coefficients: Some(coefficients),
        }))
    }

    fn keep(&mut self, basis: Basis) {
        self.earlier.push_back(basis);
        let vectors = |all: &VecDeque<Basis>| all.iter().map(Basis::vectors).sum::<usize>();
        while vectors(&self.earlier) > self.room {
            self.earlier.pop_front();
        }
    }

    /// The lengths of the residuals `y q`.
    pub fn lengths(&self, y: &DenseMatrix) -> Result<Vec<f64>, SolveError> {
        match self.system.preconditioner {
            Some(_) => norms(&mix(y, &self.basis.q)),
            None => Ok((0..y.rows())
                .map(|row| y.row(row).iter().map(|x| x * x).sum::<f64>().sqrt())
                .collect()),
        }
    }
}
