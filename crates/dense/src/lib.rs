//! Dense matrices in f64 on the host, for what is small beside a network's parameters: products of the directions of
//! block conjugate gradients with each other, a sketch's core, the dense matrix of a small model.
//!
//! What is computed depends on no number of threads.

mod cholesky;
mod eigen;
mod matrix;
mod tridiagonal;

pub use cholesky::{Cholesky, Pivot};
pub use eigen::Eigen;
pub use matrix::DenseMatrix;
pub use tridiagonal::{BlockFactor, BlockTridiagonal};
