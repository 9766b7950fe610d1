//! Huber's loss.

use std::f64::consts::{PI, SQRT_2};

use burn::{Tensor, tensor::Shape};

use super::{Loss, check::reject_not_finite, shapes::elementwise};
use crate::{CurvatureError, error::number};

/// Huber's loss, summed over the outputs: `1/2 r^2` for a residual `r = y - t` of at most `delta`,
/// `delta (|r| - delta / 2)` beyond. Output Hessian 1 within and 0 beyond.
#[derive(Clone, Copy, Debug)]
pub struct Huber {
    /// The residual from which on the loss is linear; positive.
    pub delta: f64,
}

impl Loss for Huber {
    type Targets = Tensor<2>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        elementwise(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let residual = outputs - targets;
        // With the residual clamped to c: c (r - c / 2), on both sides.
        let clamped = residual.clone().clamp(-self.delta, self.delta);
        (clamped.clone() * (residual - clamped * 0.5))
            .sum_dim(1)
            .squeeze_dim(1)
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let beyond = (outputs - targets).abs().greater_elem(self.delta);
        Some(tangents.mask_fill(beyond, 0.0))
    }

    /// For the density proportional to `exp(-loss)`, whose tails are those of Laplace's: the probability of a residual
    /// of at most `delta`, times the tangents.
    fn fisher_product(
        &self,
        _outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let within = (2.0 * PI).sqrt() * libm::erf(self.delta / SQRT_2);
        let beyond = 2.0 * (-0.5 * self.delta * self.delta).exp() / self.delta;
        Some(tangents * (within / (within + beyond)))
    }

    fn hessian_root(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        // 0 or 1: its own root.
        self.hessian_product(outputs, targets, vectors)
    }

    fn check(&self, targets: &Tensor<2>, _: usize) -> Result<(), CurvatureError> {
        if self.delta.is_nan() || self.delta <= 0.0 {
            let problem = format!(
                "of Huber's loss is {}, must be positive",
                number(self.delta)
            );
            return Err(CurvatureError::setting("delta", problem));
        }
        reject_not_finite(targets)
    }

    fn is_convex(&self) -> bool {
        true
    }
}
