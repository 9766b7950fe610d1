//! The matrix.

use faer::MatRef;

/// A matrix in f64, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseMatrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl DenseMatrix {
    /// The matrix with these values, row by row.
    ///
    /// # Panics
    /// If there are not `rows * columns` values.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        assert_eq!(values.len(), rows * columns, "a value for each element");
        Self {
            rows,
            columns,
            values,
        }
    }

    /// The matrix with the elements `value(row, column)`.
    pub fn from_fn(
        rows: usize,
        columns: usize,
        mut value: impl FnMut(usize, usize) -> f64,
    ) -> Self {
        let values = (0..rows * columns).map(|i| value(i / columns, i % columns));
        Self {
            rows,
            columns,
            values: values.collect(),
        }
    }

    /// Ones on the diagonal.
    pub fn identity(dim: usize) -> Self {
        Self::from_fn(dim, dim, |i, j| f64::from(i == j))
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All elements, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// All elements, row by row.
    pub fn into_values(self) -> Vec<f64> {
        self.values
    }

    /// An element.
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    /// A row.
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    /// The transpose.
    pub fn transpose(&self) -> Self {
        Self::from_fn(self.columns, self.rows, |i, j| self.get(j, i))
    }

    /// The product `self * right`.
    ///
    /// # Panics
    /// If `right` has not as many rows as this has columns.
    pub fn times(&self, right: &Self) -> Self {
        let product = self.faer() * right.faer();
        Self::from_fn(self.rows, right.columns, |i, j| product[(i, j)])
    }

    /// The sum `self + other`.
    ///
    /// # Panics
    /// If `other` is of another shape.
    pub fn plus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    /// The difference `self - other`.
    ///
    /// # Panics
    /// If `other` is of another shape.
    pub fn minus(&self, other: &Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    /// `factor * self`.
    pub fn scaled(&self, factor: f64) -> Self {
        let values = self.values.iter().map(|value| factor * value).collect();
        Self::new(self.rows, self.columns, values)
    }

    fn with(&self, other: &Self, of: impl Fn(f64, f64) -> f64) -> Self {
        let shapes = [self, other].map(|it| (it.rows, it.columns));
        assert_eq!(shapes[0], shapes[1], "matrices of one shape");
        let pairs = self.values.iter().zip(&other.values);
        let values = pairs.map(|(a, b)| of(*a, *b)).collect();
        Self::new(self.rows, self.columns, values)
    }

    /// `(A + A') / 2` of a square matrix.
    pub fn symmetric(&self) -> Self {
        Self::from_fn(self.rows, self.rows, |i, j| {
            0.5 * (self.get(i, j) + self.get(j, i))
        })
    }

    /// The rows of these indices.
    pub fn pick(&self, rows: &[usize]) -> Self {
        Self::from_fn(rows.len(), self.columns, |i, j| self.get(rows[i], j))
    }

    pub(crate) fn faer(&self) -> MatRef<'_, f64> {
        MatRef::from_row_major_slice(&self.values, self.rows, self.columns)
    }
}
