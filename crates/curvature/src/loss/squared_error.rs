//! Squared error.

use burn::{Tensor, tensor::Shape};

use super::{Loss, check::reject_not_finite, shapes::elementwise};
use crate::CurvatureError;

/// Squared error: `1/2 ||y - t||^2`. Output Hessian `I`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SquaredError;

impl Loss for SquaredError {
    type Targets = Tensor<2>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        elementwise(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let error = outputs - targets;
        (error.clone() * error).sum_dim(1).squeeze_dim(1) * 0.5
    }

    fn hessian_product(
        &self,
        _outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(tangents)
    }

    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_product(outputs, targets, tangents)
    }

    fn hessian_root(
        &self,
        _outputs: Tensor<2>,
        _targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(vectors)
    }

    fn check(&self, targets: &Tensor<2>, _: usize) -> Result<(), CurvatureError> {
        reject_not_finite(targets)
    }

    fn is_convex(&self) -> bool {
        true
    }
}
