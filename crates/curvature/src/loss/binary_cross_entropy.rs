//! Binary cross-entropy with a logit.

use backdraft_program::log_sigmoid;
use burn::{
    Tensor,
    tensor::{Shape, activation},
};

use super::{Loss, reject, shapes::elementwise};
use crate::CurvatureError;

/// Binary cross-entropy with a logit: `-t log p - (1 - t) log(1 - p)` with `p = sigmoid(y)`, summed over the outputs,
/// for targets in `[0, 1]`. Output Hessian `diag(p (1 - p))`. All to within rounding, however large the logit.
#[derive(Clone, Copy, Debug, Default)]
pub struct BinaryCrossEntropy;

impl Loss for BinaryCrossEntropy {
    type Targets = Tensor<2>;

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        elementwise(outputs, targets)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        // `log(1 + exp(y)) - t y` is the same, and nothing at all where both are large.
        let log_p = log_sigmoid(outputs.clone());
        let log_q = log_sigmoid(-outputs);
        let likelihood = targets.clone() * log_p + (-targets + 1.0) * log_q;
        -likelihood.sum_dim(1).squeeze_dim(1)
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        _targets: Tensor<2>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let p = activation::sigmoid(outputs.clone());
        let q = activation::sigmoid(-outputs);
        Some(p * q * tangents)
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
        let p = activation::sigmoid(outputs.clone());
        let q = activation::sigmoid(-outputs);
        Some(p.sqrt() * q.sqrt() * vectors)
    }

    fn check(&self, targets: &Tensor<2>, _: usize) -> Result<(), CurvatureError> {
        let t = targets.clone();
        let outside = t
            .clone()
            .lower_elem(0.0)
            .bool_or(t.clone().greater_elem(1.0));
        let wrong = outside.bool_or(t.is_nan());
        reject("target", targets, wrong, || {
            "it must lie between 0 and 1".into()
        })
    }

    fn is_convex(&self) -> bool {
        true
    }
}
