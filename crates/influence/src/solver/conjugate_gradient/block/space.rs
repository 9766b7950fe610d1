//! A Krylov space that is kept: its orthonormal basis, and what the matrix is in it.
//!
//! Of block conjugate gradients, in the words of the module above, with `D = S'AS`:
//!
//! ```text
//! A Q_j = Q_{j-1} T_{j-1,j} + Q_j T_jj + Q_{j+1} T_{j+1,j}
//! T_jj = D_j + Z_{j-1} D_{j-1} Z_{j-1}',   T_{j+1,j} = -Z_j D_j
//! ```
//!
//! so that `Q' (A + shift I) Q = T + shift I`: one space is that of all shifts, and each costs a small factorisation.

use backdraft_dense::{BlockFactor, BlockTridiagonal, DenseMatrix, Eigen};
use burn::tensor::Tensor;

use crate::solver::{
    SolveError,
    rows::{inner, mix},
};

/// What every step adds.
#[derive(Default)]
pub(super) struct StepRecord {
    /// `D_j`.
    pub curvatures: Vec<DenseMatrix>,
    /// `Z_j'`, `[rank, next rank]`.
    pub coefficients: Vec<DenseMatrix>,
}

/// The space of all steps, and the matrix in it.
pub(in crate::solver) struct Space {
    /// `Q_j`, `[rank, dim]` each.
    bases: Vec<Tensor<2>>,
    matrix: BlockTridiagonal,
    /// The mean Rayleigh quotient of the last basis.
    rest: f64,
}

impl Space {
    /// Of the bases of all steps. `None` if there was no step.
    pub(super) fn new(bases: Vec<Tensor<2>>, record: StepRecord) -> Option<Self> {
        let mut diagonal = record.curvatures.clone();
        let mut below = Vec::with_capacity(diagonal.len());
        let before = record.curvatures.iter().zip(&record.coefficients);
        for (block, (curvature, coefficients)) in diagonal.iter_mut().skip(1).zip(before) {
            let product = coefficients.transpose().times(curvature);
            *block = block.plus(&product.times(coefficients)).symmetric();
            below.push(product.scaled(-1.0));
        }
        let last = diagonal.last()?;
        let quotients = (0..last.rows()).map(|i| last.get(i, i));
        Some(Self {
            bases,
            rest: quotients.sum::<f64>() / last.rows() as f64,
            matrix: BlockTridiagonal::new(diagonal, below),
        })
    }

    /// The largest eigenvalues of the matrix on this space, `count` or all, descending, and their vectors as rows.
    /// `None` if they are not finite.
    pub fn ritz(&self, count: usize) -> Result<Option<(Vec<f64>, Tensor<2>)>, SolveError> {
        let Some(eigen) = Eigen::new(&self.matrix.dense()) else {
            return Ok(None);
        };
        let largest: Vec<usize> = (0..eigen.values.len()).rev().take(count).collect();
        let values = largest.iter().map(|&i| eigen.values[i]).collect();
        let coefficients = eigen.vectors.pick(&largest).transpose();
        let mut start = 0;
        let parts = self.bases.iter().map(|basis| {
            let rows: Vec<usize> = (start..start + basis.dims()[0]).collect();
            start += rows.len();
            coefficients.pick(&rows)
        });
        let parts: Vec<DenseMatrix> = parts.collect();
        Ok(Some((values, mixed(&parts, &self.bases))))
    }

    /// The eigenvalues of the matrix on this space, descending, with the share that each has of the first vector: Gauss
    /// quadrature of the spectrum, for a space of one vector. `None` if they are not finite.
    pub fn quadrature(&self) -> Option<Vec<(f64, f64)>> {
        let Eigen { values, vectors } = Eigen::new(&self.matrix.dense())?;
        let pairs = values.into_iter().enumerate().rev();
        let pairs = pairs.map(|(row, value)| (value, vectors.get(row, 0).powi(2)));
        Some(pairs.collect())
    }

    /// The inverse of the matrix and `shift I` on this space, if that is positive definite there.
    pub fn inverse(&self, shift: f64) -> Option<SpaceInverse> {
        Some(SpaceInverse {
            bases: self.bases.clone(),
            factor: self.matrix.factor(shift).ok()?,
            rest: self.rest + shift,
        })
    }
}

/// The inverse of a shifted matrix on a space.
pub(in crate::solver) struct SpaceInverse {
    bases: Vec<Tensor<2>>,
    factor: BlockFactor,
    rest: f64,
}

impl SpaceInverse {
    /// The solutions in the space for the rows of `rhs`, `[k, dim]`: `Q (T + shift I)^-1 Q' rhs`, which no vector of
    /// the space betters.
    pub fn apply(&self, rhs: &Tensor<2>) -> Result<Tensor<2>, SolveError> {
        Ok(mixed(&self.factor.solve(self.along(rhs)?), &self.bases))
    }

    /// The same, and beside the space the rows as they are, over the mean Rayleigh quotient of the last basis: what the
    /// matrix is like where the space ends. Positive definite, and so a preconditioner.
    pub fn everywhere(&self, rhs: &Tensor<2>) -> Result<Tensor<2>, SolveError> {
        let along = self.along(rhs)?;
        let beside = 1.0 / self.rest;
        let solved = self.factor.solve(along.clone());
        let pairs = solved.iter().zip(&along);
        let inside: Vec<DenseMatrix> = pairs.map(|(x, b)| x.minus(&b.scaled(beside))).collect();
        Ok(mixed(&inside, &self.bases) + rhs.clone() * beside)
    }

    /// Vectors that it holds.
    pub fn vectors(&self) -> usize {
        self.bases.iter().map(|basis| basis.dims()[0]).sum()
    }

    /// `Q' rhs`, a block of rows for each basis.
    fn along(&self, rhs: &Tensor<2>) -> Result<Vec<DenseMatrix>, SolveError> {
        self.bases.iter().map(|basis| inner(basis, rhs)).collect()
    }
}

/// `Q` times a block of coefficients for each basis, its columns as rows.
fn mixed(coefficients: &[DenseMatrix], bases: &[Tensor<2>]) -> Tensor<2> {
    let parts = coefficients.iter().zip(bases);
    let parts = parts.map(|(part, basis)| mix(&part.transpose(), basis));
    parts.reduce(|sum, part| sum + part).expect("a step")
}
