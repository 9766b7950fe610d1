//! Poisson regression.

use burn::{Tensor, tensor::Shape};

use super::{Loss, reject, shapes::elementwise};
use crate::CurvatureError;

/// The negative log-likelihood of a Poisson count `t` with log-rate `y`, up to a constant: `exp(y) - t y`, summed over
/// the outputs. Output Hessian `diag(exp(y))`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Poisson;

impl Loss for Poisson {
    type Targets = Tensor<2>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        elementwise(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        (outputs.clone().exp() - targets * outputs)
            .sum_dim(1)
            .squeeze_dim(1)
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some(outputs.exp() * tangents)
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
        outputs: Tensor<2>,
        _targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        Some((outputs * 0.5).exp() * vectors)
    }

    fn check(&self, targets: &Tensor<2>, _: usize) -> Result<(), CurvatureError> {
        let t = targets.clone();
        let wrong = t.clone().lower_elem(0.0).bool_or(t.is_finite().bool_not());
        reject("target", targets, wrong, || {
            "a count must be finite and not negative".into()
        })
    }

    fn is_convex(&self) -> bool {
        true
    }
}
