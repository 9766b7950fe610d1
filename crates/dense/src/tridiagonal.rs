//! Symmetric matrices of blocks on the diagonal and beside it: what Krylov spaces make of large ones.

use crate::{Cholesky, DenseMatrix, Pivot};

/// A symmetric matrix whose only blocks are those on the diagonal and beside it.
#[derive(Clone, Debug)]
pub struct BlockTridiagonal {
    diagonal: Vec<DenseMatrix>,
    below: Vec<DenseMatrix>,
}

impl BlockTridiagonal {
    /// The matrix of these symmetric blocks on the diagonal, and of these below: `below[j]` in block row `j + 1` and
    /// block column `j`.
    ///
    /// # Panics
    /// If the blocks do not fit each other.
    pub fn new(diagonal: Vec<DenseMatrix>, below: Vec<DenseMatrix>) -> Self {
        assert_eq!(
            below.len() + 1,
            diagonal.len().max(1),
            "a block between two"
        );
        for (j, block) in below.iter().enumerate() {
            let fits = (diagonal[j + 1].rows(), diagonal[j].rows());
            assert_eq!((block.rows(), block.columns()), fits, "a block's shape");
        }
        Self { diagonal, below }
    }

    /// The blocks on the diagonal.
    pub fn diagonal(&self) -> &[DenseMatrix] {
        &self.diagonal
    }

    /// The blocks below it.
    pub fn below(&self) -> &[DenseMatrix] {
        &self.below
    }

    /// Rows, and columns.
    pub fn dim(&self) -> usize {
        self.diagonal.iter().map(DenseMatrix::rows).sum()
    }

    /// All elements.
    pub fn dense(&self) -> DenseMatrix {
        let dim = self.dim();
        let mut values = vec![0.0; dim * dim];
        let mut put = |top: usize, left: usize, block: &DenseMatrix| {
            for i in 0..block.rows() {
                for j in 0..block.columns() {
                    values[(top + i) * dim + left + j] = block.get(i, j);
                    values[(left + j) * dim + top + i] = block.get(i, j);
                }
            }
        };
        let mut start = 0;
        for (j, block) in self.diagonal.iter().enumerate() {
            put(start, start, block);
            let end = start + block.rows();
            if let Some(below) = self.below.get(j) {
                put(end, start, below);
            }
            start = end;
        }
        DenseMatrix::new(dim, dim, values)
    }

    /// Factors the matrix with `shift` added to its diagonal.
    ///
    /// # Errors
    /// The first [`Pivot`] that is not positive, with its row in the block.
    pub fn factor(&self, shift: f64) -> Result<BlockFactor, Pivot> {
        let mut inverses: Vec<DenseMatrix> = Vec::with_capacity(self.diagonal.len());
        for (j, block) in self.diagonal.iter().enumerate() {
            let mut pivot = DenseMatrix::identity(block.rows())
                .scaled(shift)
                .plus(block);
            if let Some(last) = inverses.last() {
                let below = &self.below[j - 1];
                let fill = below.times(last).times(&below.transpose());
                pivot = pivot.minus(&fill).symmetric();
            }
            inverses.push(Cholesky::new(pivot, f64::EPSILON)?.inverse());
        }
        Ok(BlockFactor {
            below: self.below.clone(),
            inverses,
        })
    }
}

/// A factored matrix.
#[derive(Clone, Debug)]
pub struct BlockFactor {
    below: Vec<DenseMatrix>,
    /// Of the pivots.
    inverses: Vec<DenseMatrix>,
}

impl BlockFactor {
    /// The solution for a right-hand side of as many blocks of rows.
    ///
    /// # Panics
    /// If the blocks do not fit the matrix.
    pub fn solve(&self, rhs: Vec<DenseMatrix>) -> Vec<DenseMatrix> {
        assert_eq!(rhs.len(), self.inverses.len(), "a block for each");
        let mut x = rhs;
        for (j, below) in self.below.iter().enumerate() {
            let before = below.times(&self.inverses[j].times(&x[j]));
            x[j + 1] = x[j + 1].minus(&before);
        }
        for j in (0..x.len()).rev() {
            if let Some(below) = self.below.get(j) {
                x[j] = x[j].minus(&below.transpose().times(&x[j + 1]));
            }
            x[j] = self.inverses[j].times(&x[j]);
        }
        x
    }
}
