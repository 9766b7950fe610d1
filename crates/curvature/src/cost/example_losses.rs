//! The losses of examples, wherever they are.

use burn::Tensor;

use super::{Cost, ShardedCost};
use crate::CurvatureError;

/// The losses of training examples, as scores need them: of one [`Cost`], or of one in parts, [`ShardedCost`].
pub trait ExampleLosses {
    /// Number of examples `N`.
    fn examples(&self) -> usize;

    /// The derivative of every example's loss along `v`, `[N]`.
    ///
    /// # Errors
    /// As [`Cost::directional_derivatives`].
    fn along(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError>;

    /// The same along several vectors, the rows of `vs`, `[k, dim]`: `[k, N]`.
    ///
    /// # Errors
    /// As [`Cost::directional_derivatives_many`].
    fn along_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError>;
}

macro_rules! example_losses {
    ($($cost:ty),+) => {$(
        impl ExampleLosses for $cost {
            fn examples(&self) -> usize {
                self.len()
            }

            fn along(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
                self.directional_derivatives(v)
            }

            fn along_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
                self.directional_derivatives_many(vs)
            }
        }
    )+};
}

example_losses!(Cost, ShardedCost);

impl<T: ExampleLosses + ?Sized> ExampleLosses for &T {
    fn examples(&self) -> usize {
        (**self).examples()
    }

    fn along(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        (**self).along(v)
    }

    fn along_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        (**self).along_many(vs)
    }
}
