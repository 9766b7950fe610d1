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

use backdraft_curvature::LinearOperator;
use backdraft_dense::{BlockFactor, BlockTridiagonal, DenseMatrix, Eigen};
use burn::tensor::Tensor;

use crate::solver::{
    Factors, SolveError,
    factors::misfit,
    rows::{inner, mix},
};

/// What the factors of an inverse are called, a step's with its number.
const BASIS: &str = "basis";
const DIAGONAL: &str = "diagonal";
const BELOW: &str = "below";
const REST: &str = "rest";
const SHIFT: &str = "shift";

fn named(step: usize, name: &str) -> String {
    format!("space.{step}.{name}")
}

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
            space: (self.matrix.clone(), shift),
        })
    }
}

/// The inverse of a shifted matrix on a space.
pub(in crate::solver) struct SpaceInverse {
    bases: Vec<Tensor<2>>,
    factor: BlockFactor,
    rest: f64,
    /// What was factored, and with which shift.
    space: (BlockTridiagonal, f64),
}

impl SpaceInverse {
    /// What it is made of.
    pub fn factors(&self) -> Factors {
        let mut factors = Factors::default();
        let (matrix, shift) = &self.space;
        for (step, (basis, block)) in self.bases.iter().zip(matrix.diagonal()).enumerate() {
            factors.put(named(step, BASIS), basis.to_data());
            factors.put_matrix(named(step, DIAGONAL), block);
        }
        for (step, block) in matrix.below().iter().enumerate() {
            factors.put_matrix(named(step, BELOW), block);
        }
        factors.put_numbers(REST, &[self.rest]);
        factors.put_numbers(SHIFT, &[*shift]);
        factors
    }

    /// From what one was made of.
    pub fn restored(
        factors: &mut Factors,
        operator: &dyn LinearOperator,
    ) -> Result<Self, SolveError> {
        let (mut bases, mut diagonal, mut below) = (Vec::new(), Vec::new(), Vec::new());
        for step in 0.. {
            if !factors.holds(&named(step, BASIS)) {
                break;
            }
            let block = factors.matrix(&named(step, DIAGONAL))?;
            let shape = [Some(block.rows()), Some(operator.dim())];
            bases.push(factors.tensor(&named(step, BASIS), shape, operator)?);
            let last: Option<&DenseMatrix> = diagonal.last();
            if let Some(last) = last {
                let name = named(step - 1, BELOW);
                let beside = factors.matrix(&name)?;
                if (beside.rows(), beside.columns()) != (block.rows(), last.rows()) {
                    return Err(misfit(&name, "does not fit its neighbours"));
                }
                below.push(beside);
            }
            if block.columns() != block.rows() {
                return Err(misfit(&named(step, DIAGONAL), "is not square"));
            }
            diagonal.push(block);
        }
        if bases.is_empty() {
            return Err(misfit(&named(0, BASIS), "is missing"));
        }
        let shift = factors.number(SHIFT)?;
        let matrix = BlockTridiagonal::new(diagonal, below);
        let factor = matrix.factor(shift);
        Ok(Self {
            bases,
            factor: factor.map_err(|_| misfit(DIAGONAL, "is not positive definite"))?,
            rest: factors.number(REST)?,
            space: (matrix, shift),
        })
    }

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
