//! Vectors as the rows of a tensor `[k, dim]`, and their products with small matrices on the host.

use backdraft_curvature::LinearOperator;
use backdraft_dense::DenseMatrix;
use burn::tensor::{Tensor, TensorData};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use crate::solver::SolveError;

/// `a b'`, the inner products of the rows of `a` and `b`: what an iteration reads back, k x k numbers.
pub(crate) fn inner(a: &Tensor<2>, b: &Tensor<2>) -> Result<DenseMatrix, SolveError> {
    matrix(a.clone().matmul(b.clone().transpose()))
}

/// The numbers of a small matrix, read back.
pub(super) fn matrix(numbers: Tensor<2>) -> Result<DenseMatrix, SolveError> {
    let [rows, columns] = numbers.dims();
    let numbers = numbers.try_into_vec_as::<f64>()?;
    Ok(DenseMatrix::new(rows, columns, numbers))
}

/// `matrix * vectors`: mixtures of the rows of `vectors`, in their float type and on their device.
pub(crate) fn mix(matrix: &DenseMatrix, vectors: &Tensor<2>) -> Tensor<2> {
    let data = TensorData::new(matrix.values().to_vec(), [matrix.rows(), matrix.columns()]);
    let options = (&vectors.device(), vectors.dtype());
    Tensor::from_data(data, options).matmul(vectors.clone())
}

/// The Euclidean norm of every row, without overflow; NaN where a row holds NaN or infinity.
pub(crate) fn norms(vectors: &Tensor<2>) -> Result<Vec<f64>, SolveError> {
    let largest = vectors.clone().abs().max_dim(1);
    let unit = largest
        .clone()
        .mask_fill(largest.clone().equal_elem(0.0), 1.0);
    let norms = (vectors.clone() / unit).square().sum_dim(1).sqrt() * largest;
    Ok(norms.try_into_vec_as::<f64>()?)
}

/// `count` vectors like those of `operator`, of signs drawn at random.
pub(crate) fn random_signs(
    operator: &dyn LinearOperator,
    count: usize,
    rng: &mut ChaCha8Rng,
) -> Tensor<2> {
    let dim = operator.dim();
    let signs: Vec<f64> = (0..count * dim)
        .map(|_| if rng.random() { 1.0 } else { -1.0 })
        .collect();
    let options = (&operator.device(), operator.dtype());
    Tensor::from_data(TensorData::new(signs, [count, dim]), options)
}
