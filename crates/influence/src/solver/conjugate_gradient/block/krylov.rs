//! The Krylov space of a block of vectors, a step at a time.

use std::collections::VecDeque;

use backdraft_curvature::LinearOperator;
use backdraft_dense::{Cholesky, DenseMatrix};
use burn::tensor::Tensor;

use super::{
    basis::Basis,
    space::{Space, SpaceInverse, StepRecord},
};
use crate::solver::{
    Inverse, SolveError, epsilon,
    rows::{inner, matrix, mix, norms},
};

/// The matrix, and what stands in for its inverse.
#[derive(Clone, Copy)]
pub(super) struct PreconditionedOperator<'a> {
    pub operator: &'a dyn LinearOperator,
    pub preconditioner: Option<StandIn<'a>>,
}

/// What stands in for the inverse of a matrix.
#[derive(Clone, Copy)]
pub(in super::super) enum StandIn<'a> {
    /// Another inverse.
    Inverse(&'a dyn Inverse),
    /// What is known of the matrix from the space of earlier solutions.
    Space(&'a SpaceInverse),
}

impl StandIn<'_> {
    fn apply(&self, w: &Tensor<2>) -> Result<Tensor<2>, SolveError> {
        match self {
            Self::Inverse(inverse) => inverse.apply_many(w.clone()),
            Self::Space(space) => space.everywhere(w),
        }
    }
}

impl PreconditionedOperator<'_> {
    /// `P w`, if there is a preconditioner `P`.
    fn precondition(&self, w: &Tensor<2>) -> Result<Option<Tensor<2>>, SolveError> {
        self.preconditioner.map(|it| it.apply(w)).transpose()
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
    /// What is known of every step, if the space is to be kept: then all bases are, and it ends where there is no room.
    record: Option<StepRecord>,
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
    /// zero. With `keep` it can be had as a whole at the end.
    pub fn new(
        system: PreconditionedOperator<'a>,
        residual: Tensor<2>,
        room: usize,
        keep: bool,
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
                record: keep.then(StepRecord::default),
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
        let Ok(factor) = Cholesky::new(curvature.clone(), epsilon(directions.dtype())) else {
            return Ok(None);
        };
        let inverse = factor.inverse();
        let change = mix(&inverse, &directions);
        let mut w = self.basis.q.clone() - mix(&inverse, &products);
        let mut z = self.system.precondition(&w)?;
        if let Some(record) = &mut self.record {
            record.curvatures.push(curvature);
        }
        for basis in self.earlier.iter().chain([&self.basis]) {
            basis.project_out(&mut w, &mut z);
        }
        let found = match (Basis::new(w, z)?, &self.record) {
            (Some((basis, coefficients)), Some(_)) => self.cleared(basis, &coefficients)?,
            (found, _) => found,
        };
        let Some((basis, coefficients)) = found else {
            let coefficients = None;
            return Ok(Some(KrylovStep {
                change,
                coefficients,
            }));
        };
        // Conjugate to the last directions, once more where rounding has left something.
        let next = basis.z().clone() + mix(&coefficients.transpose(), &directions);
        let along = next.clone().matmul(products.transpose());
        if let Some(record) = &mut self.record {
            let left = matrix(along.clone())?.times(&inverse).transpose();
            record.coefficients.push(coefficients.minus(&left));
        }
        self.directions = next - along.matmul(change.clone());
        let last = std::mem::replace(&mut self.basis, basis);
        self.keep(last);
        Ok(Some(KrylovStep {
            change,
            coefficients: Some(coefficients),
        }))
    }

    /// The basis without what rounding has left in it of those before, which scaling directions up has made more of.
    fn cleared(
        &self,
        basis: Basis,
        coefficients: &DenseMatrix,
    ) -> Result<Option<(Basis, DenseMatrix)>, SolveError> {
        let mut q = basis.q;
        for basis in self.earlier.iter().chain([&self.basis]) {
            basis.project_out(&mut q, &mut None);
        }
        let found = Basis::of_remains(q)?;
        Ok(found.map(|(basis, back)| (basis, coefficients.times(&back))))
    }

    fn keep(&mut self, basis: Basis) {
        self.earlier.push_back(basis);
        while self.record.is_none() && self.kept() > self.room {
            self.earlier.pop_front();
        }
    }

    /// Vectors of the bases before.
    fn kept(&self) -> usize {
        self.earlier.iter().map(Basis::vectors).sum()
    }

    /// Whether all bases are to be kept and there is no room for another.
    pub fn is_full(&self) -> bool {
        self.record.is_some() && self.kept() + self.basis.vectors() > self.room
    }

    /// The space of all steps, if it is kept.
    pub fn into_space(self) -> Option<Space> {
        let record = self.record?;
        let bases = self.earlier.into_iter().chain([self.basis]);
        let bases = bases.take(record.curvatures.len()).map(|it| it.q);
        Space::new(bases.collect(), record)
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
