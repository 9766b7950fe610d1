//! Vectors as the rows of a tensor `[k, dim]`, and their products with small matrices on the host.

use backdraft_dense::DenseMatrix;
use burn::tensor::{Tensor, TensorData};

use crate::solver::SolveError;

/// `a b'`, the inner products of the rows of `a` and `b`: what an iteration reads back, k x k numbers.
pub(super) fn inner(a: &Tensor<2>, b: &Tensor<2>) -> Result<DenseMatrix, SolveError> {
    let product = a.clone().matmul(b.clone().transpose());
    let [rows, columns] = product.dims();
    Ok(DenseMatrix::new(
        rows,
        columns,
        product.try_into_vec_as::<f64>()?,
    ))
}

/// `matrix * vectors`: mixtures of the rows of `vectors`, in their float type and on their device.
pub(super) fn mix(matrix: &DenseMatrix, vectors: &Tensor<2>) -> Tensor<2> {
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
