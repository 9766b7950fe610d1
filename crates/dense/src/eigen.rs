//! Eigenvalues and eigenvectors of a symmetric matrix.

use faer::Side;

use crate::DenseMatrix;

/// `A = V' diag(values) V` of a symmetric matrix.
#[derive(Clone, Debug)]
pub struct Eigen {
    /// The eigenvalues, ascending.
    pub values: Vec<f64>,
    /// The eigenvectors, one a row, in the order of the values.
    pub vectors: DenseMatrix,
}

impl Eigen {
    /// Of the matrix whose lower triangle is given; `None` if it holds NaN or infinity.
    ///
    /// # Panics
    /// If the matrix is not square.
    pub fn new(matrix: &DenseMatrix) -> Option<Self> {
        if !matrix.values().iter().all(|x| x.is_finite()) {
            return None;
        }
        let dim = matrix.rows();
        if dim == 0 {
            return Some(Self {
                values: Vec::new(),
                vectors: DenseMatrix::new(0, 0, Vec::new()),
            });
        }
        let found = matrix.faer().self_adjoint_eigen(Side::Lower).ok()?;
        let values = (0..dim).map(|i| found.S()[i]).collect();
        let vectors = DenseMatrix::from_fn(dim, dim, |i, j| found.U()[(j, i)]);
        Some(Self { values, vectors })
    }
}
