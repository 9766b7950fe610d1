//! Orthonormal bases of blocks of vectors.

use backdraft_dense::{DenseMatrix, Eigen};
use burn::tensor::Tensor;

use crate::solver::{
    SolveError, epsilon,
    rows::{inner, mix},
};

/// An eigenvalue of the Gram matrix of rows of length one from which on a basis needs no second pass: its rounding is
/// divided by this.
const WELL: f64 = 1e-2;

/// Scalings by the inverse root of the rounding after which a direction that is still not of length one is nothing but
/// rounding.
const PASSES: usize = 3;

/// The square of the length below which a direction that would have length one is dropped.
const SHORT: f64 = 0.25;

/// Rows `q` that are orthonormal in the inner product of a preconditioner `P`: `q z' = I` with `z = P q`. Without a
/// preconditioner `z` is `q`.
pub(super) struct Basis {
    pub q: Tensor<2>,
    z: Option<Tensor<2>>,
}

impl Basis {
    /// The vectors `w` in a basis of theirs, and the coefficients `[k, rank]` that make them of it: `w = c q`. `z` is
    /// `P w`. Dependent vectors give fewer rows; `None` if they are all zero, or not finite.
    ///
    /// The basis comes from the eigenvectors of the Gram matrix (Stathopoulos & Wu 2002), which needs no order of the
    /// vectors: directions that are lost in the rounding of the Gram matrix are scaled up by as much as is known of
    /// them, and looked at again.
    pub fn new(
        w: Tensor<2>,
        z: Option<Tensor<2>>,
    ) -> Result<Option<(Self, DenseMatrix)>, SolveError> {
        let count = w.dims()[0];
        let mut basis = Self { q: w, z };
        let mut coefficients = DenseMatrix::identity(count);
        for pass in 1..=PASSES {
            let gram = inner(&basis.q, basis.z())?.symmetric();
            let rounding = epsilon(basis.q.dtype()) * gram.rows() as f64;
            let Some(scaling) = Orthonormalizer::new(&gram, rounding, pass == PASSES) else {
                return Ok(None);
            };
            basis = Self {
                q: mix(&scaling.to, &basis.q),
                z: basis.z.map(|z| mix(&scaling.to, &z)),
            };
            coefficients = coefficients.times(&scaling.back);
            if scaling.least >= WELL {
                break;
            }
        }
        Ok(Some((basis, coefficients)))
    }

    /// The same for rows `w` of a length of one that has come short of that where they lay along other vectors, without
    /// a preconditioner: directions of which less than half is left are dropped.
    pub fn of_remains(w: Tensor<2>) -> Result<Option<(Self, DenseMatrix)>, SolveError> {
        let gram = inner(&w, &w)?.symmetric();
        Ok(Orthonormalizer::dropping(&gram).map(|scaling| {
            let q = mix(&scaling.to, &w);
            (Self { q, z: None }, scaling.back)
        }))
    }

    /// `P q`.
    pub fn z(&self) -> &Tensor<2> {
        self.z.as_ref().unwrap_or(&self.q)
    }

    /// Takes from `w`, and with it from `z = P w`, its part along this basis.
    pub fn project_out(&self, w: &mut Tensor<2>, z: &mut Option<Tensor<2>>) {
        let along = z.as_ref().unwrap_or(w).clone();
        let along = along.matmul(self.q.clone().transpose());
        *w = w.clone() - along.clone().matmul(self.q.clone());
        if let (Some(z), Some(own)) = (z, &self.z) {
            *z = z.clone() - along.matmul(own.clone());
        }
    }

    /// Vectors that it holds.
    pub fn vectors(&self) -> usize {
        self.q.dims()[0] * (1 + usize::from(self.z.is_some()))
    }
}

/// What makes rows orthonormal, up to the rounding of their Gram matrix.
struct Orthonormalizer {
    /// `[rank, k]`: from the rows to the basis.
    to: DenseMatrix,
    /// `[k, rank]`: from the basis to the rows.
    back: DenseMatrix,
    /// The least eigenvalue of the Gram matrix of the rows scaled to length one.
    least: f64,
}

impl Orthonormalizer {
    /// From a Gram matrix whose elements are known up to `rounding`, for rows of length one. In the `last` pass
    /// directions shorter than half of what they would be are dropped. `None` if nothing is left, or it is not finite.
    fn new(gram: &DenseMatrix, rounding: f64, last: bool) -> Option<Self> {
        let count = gram.rows();
        let lengths: Vec<f64> = (0..count).map(|i| gram.get(i, i).max(0.0).sqrt()).collect();
        let lengths: Vec<f64> = lengths
            .into_iter()
            .map(|length| if length > 0.0 { length } else { 1.0 })
            .collect();
        let scaled = DenseMatrix::from_fn(count, count, |i, j| {
            gram.get(i, j) / (lengths[i] * lengths[j])
        });
        let eigen = Eigen::new(&scaled)?;
        let floor = match last {
            true => SHORT,
            false => rounding * eigen.values.last()?,
        };
        Self::of(&eigen, &lengths, floor, last)
    }

    /// From the Gram matrix of rows that would have the length one, as they are: those shorter than half of that are
    /// dropped.
    fn dropping(gram: &DenseMatrix) -> Option<Self> {
        Self::of(&Eigen::new(gram)?, &vec![1.0; gram.rows()], SHORT, true)
    }

    /// From the eigenvectors of the Gram matrix of rows over their `lengths`. Eigenvalues below `floor` are taken for
    /// it, or dropped.
    fn of(eigen: &Eigen, lengths: &[f64], floor: f64, drop: bool) -> Option<Self> {
        let Eigen { values, vectors } = eigen;
        let count = lengths.len();
        let kept: Vec<usize> = (0..count)
            .filter(|&i| !drop || values[i] >= floor)
            .collect();
        if kept.is_empty() {
            return None;
        }
        let roots: Vec<f64> = kept.iter().map(|&i| values[i].max(floor).sqrt()).collect();
        let vectors = vectors.pick(&kept);
        Some(Self {
            to: DenseMatrix::from_fn(kept.len(), count, |i, j| {
                vectors.get(i, j) / (roots[i] * lengths[j])
            }),
            back: DenseMatrix::from_fn(count, kept.len(), |i, j| {
                lengths[i] * vectors.get(j, i) * roots[j]
            }),
            least: values[0],
        })
    }
}
