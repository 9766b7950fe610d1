//! Cholesky factorisation `A = L L'`.

use faer::{
    Accum, Mat, MatRef, Par,
    linalg::{
        matmul::triangular::{BlockStructure, matmul},
        triangular_inverse::invert_lower_triangular,
    },
};

use crate::DenseMatrix;

/// Columns factored at a time: a panel of them stays in cache while the rest of the matrix is updated.
const BLOCK: usize = 64;
/// Rows and columns of the update that are held in registers.
const TILE: usize = 4;

/// The factor `L` of a symmetric positive definite matrix.
#[derive(Clone, Debug)]
pub struct Cholesky {
    dim: usize,
    /// Row-major; what is above the diagonal is never read.
    lower: Vec<f64>,
}

/// A pivot that is not positive.
#[derive(Clone, Copy, Debug)]
pub struct Pivot {
    /// Its row.
    pub index: usize,
    /// Its value.
    pub value: f64,
}

impl Cholesky {
    /// Factors the square matrix whose lower triangle is given. A pivot at or below `precision` times its diagonal
    /// element is rounding, not information, and refused.
    ///
    /// # Errors
    /// The first [`Pivot`] that is refused.
    pub fn new(matrix: DenseMatrix, precision: f64) -> Result<Self, Pivot> {
        let dim = matrix.rows();
        let mut matrix = matrix.into_values();
        let least: Vec<f64> = (0..dim).map(|i| precision * matrix[i * dim + i]).collect();
        for start in (0..dim).step_by(BLOCK) {
            let end = (start + BLOCK).min(dim);
            factor_panel(&mut matrix, dim, start, end, &least)?;
            update(&mut matrix, dim, start, end);
        }
        Ok(Self { dim, lower: matrix })
    }

    /// The factor of `X' X`, from a QR decomposition of the rows `X`: the digits that `X' X` itself would lose where
    /// columns are nearly dependent stay. A pivot at or below `precision` times its diagonal element is refused: the
    /// share of a column's square that the columns before it leave over.
    ///
    /// # Errors
    /// The first [`Pivot`] that is refused: that of the first column too many if there are fewer rows than columns, or
    /// of one whose square is not finite.
    pub fn of_gram(rows: &DenseMatrix, precision: f64) -> Result<Self, Pivot> {
        let dim = rows.columns();
        let qr = rows.faer().qr();
        let triangle = qr.thin_R();
        let mut lower = vec![0.0; dim * dim];
        for j in 0..dim {
            let value = match j < triangle.nrows() {
                true => triangle[(j, j)],
                false => 0.0,
            };
            let square: f64 = (0..triangle.nrows().min(j + 1))
                .map(|k| triangle[(k, j)].powi(2))
                .sum();
            if !(square.is_finite() && value * value > precision * square) {
                let value = match square.is_finite() {
                    true => value * value,
                    false => square,
                };
                return Err(Pivot { index: j, value });
            }
            for i in j..dim {
                lower[i * dim + j] = value.signum() * triangle[(j, i)];
            }
        }
        Ok(Self { dim, lower })
    }

    /// Overwrites the right-hand side with the solution.
    pub fn solve(&self, x: &mut [f64]) {
        self.forward(x);
        self.backward(x);
    }

    /// `L^-1 x`.
    fn forward(&self, x: &mut [f64]) {
        for (i, row) in self.lower.chunks_exact(self.dim).enumerate() {
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
    }

    /// `L^-T x`.
    fn backward(&self, x: &mut [f64]) {
        for (i, row) in self.lower.chunks_exact(self.dim).enumerate().rev() {
            let value = x[i] / row[i];
            x[i] = value;
            for (x, l) in x[..i].iter_mut().zip(row) {
                *x -= l * value;
            }
        }
    }

    /// The inverse of the matrix that was factored.
    pub fn inverse(&self) -> DenseMatrix {
        let dim = self.dim;
        let lower = MatRef::from_row_major_slice(&self.lower, dim, dim);
        let mut half = Mat::<f64>::zeros(dim, dim);
        invert_lower_triangular(half.as_mut(), lower, Par::Seq);
        let mut inverse = Mat::<f64>::zeros(dim, dim);
        let half = half.as_ref();
        matmul(
            inverse.as_mut(),
            BlockStructure::TriangularLower,
            Accum::Replace,
            half.transpose(),
            BlockStructure::TriangularUpper,
            half,
            BlockStructure::TriangularLower,
            1.0,
            Par::Seq,
        );
        DenseMatrix::from_fn(dim, dim, |i, j| inverse[(i.max(j), i.min(j))])
    }

    /// `L^-1 B L^-T` of a symmetric matrix `B`.
    ///
    /// # Panics
    /// If `B` is of another dimension.
    pub fn whitened(&self, matrix: &DenseMatrix) -> DenseMatrix {
        let half = self.forward_rows(matrix).transpose();
        self.forward_rows(&half).symmetric()
    }

    /// Every row `x` as `L^-T x`, so that rows times what `L^-1` makes of vectors is the same as these times the
    /// vectors.
    ///
    /// # Panics
    /// If rows are of another length.
    pub fn whiten_rows(&self, rows: &DenseMatrix) -> DenseMatrix {
        self.by_rows(rows, Self::backward)
    }

    /// Every row `x` as `L^-1 x`, whose squared length is `x' A^-1 x`.
    ///
    /// # Panics
    /// If rows are of another length.
    pub fn forward_rows(&self, rows: &DenseMatrix) -> DenseMatrix {
        self.by_rows(rows, Self::forward)
    }

    fn by_rows(&self, rows: &DenseMatrix, solve: impl Fn(&Self, &mut [f64])) -> DenseMatrix {
        assert_eq!(rows.columns(), self.dim, "the length of a row");
        let mut values = rows.values().to_vec();
        for row in values.chunks_exact_mut(self.dim) {
            solve(self, row);
        }
        DenseMatrix::new(rows.rows(), self.dim, values)
    }
}

/// The columns `start..end` of `L`, from a matrix from which all columns before have been eliminated.
fn factor_panel(
    matrix: &mut [f64],
    dim: usize,
    start: usize,
    end: usize,
    least: &[f64],
) -> Result<(), Pivot> {
    for i in start..dim {
        let (above, rest) = matrix.split_at_mut(i * dim);
        let row = &mut rest[..dim];
        for j in start..end.min(i) {
            let other = &above[j * dim..][..dim];
            row[j] = (row[j] - dot(&row[start..j], &other[start..j])) / other[j];
        }
        if i < end {
            let pivot = row[i] - dot(&row[start..i], &row[start..i]);
            if pivot.is_nan() || pivot <= least[i] {
                return Err(Pivot {
                    index: i,
                    value: pivot,
                });
            }
            row[i] = pivot.sqrt();
        }
    }
    Ok(())
}

/// Eliminates the columns `start..end` from the rows and columns after them.
fn update(matrix: &mut [f64], dim: usize, start: usize, end: usize) {
    // Tiles of rows of the panel, column by column, the last one filled up with zeros.
    let stride = (end - start) * TILE;
    let mut panel = vec![0.0; (dim - end).div_ceil(TILE) * stride];
    for i in end..dim {
        let (tile, row) = ((i - end) / TILE, (i - end) % TILE);
        for k in start..end {
            panel[tile * stride + (k - start) * TILE + row] = matrix[i * dim + k];
        }
    }
    for (p, a) in panel.chunks_exact(stride).enumerate() {
        for (q, b) in panel.chunks_exact(stride).enumerate().take(p + 1) {
            let product = tile_product(a, b);
            for (i, sums) in (end + p * TILE..dim).zip(product) {
                for (j, sum) in (end + q * TILE..=i).zip(sums) {
                    matrix[i * dim + j] -= sum;
                }
            }
        }
    }
}

/// All inner products of the rows of two tiles.
fn tile_product(a: &[f64], b: &[f64]) -> [[f64; TILE]; TILE] {
    let mut product = [[0.0; TILE]; TILE];
    for (a, b) in a.as_chunks::<TILE>().0.iter().zip(b.as_chunks::<TILE>().0) {
        for (sums, a) in product.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                *sum += a * b;
            }
        }
    }
    product
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
