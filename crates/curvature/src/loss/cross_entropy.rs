//! Softmax cross-entropy.

use burn::{
    Tensor,
    tensor::{Int, Shape, activation},
};

use super::{Loss, shapes::classes};

/// Softmax cross-entropy: `-log softmax(y)_t` for a class `t`. Output Hessian `diag(p) - p p'` with `p = softmax(y)`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrossEntropy;

impl Loss for CrossEntropy {
    type Targets = Tensor<1, Int>;

    fn check_shapes(&self, outputs: &Shape, _targets: &[Shape]) -> Result<(), String> {
        classes(outputs)
    }

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<1, Int>) -> Tensor<1> {
        let log_p = activation::log_softmax(outputs, 1);
        let [batch] = targets.dims();
        -log_p
            .gather(1, targets.reshape([batch, 1]))
            .reshape([batch])
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        _targets: Tensor<1, Int>,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let p = activation::softmax(outputs, 1);
        let weighted = p.clone() * tangents;
        let mean = weighted.clone().sum_dim(1);
        Some(weighted - p * mean)
    }

    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_product(outputs, targets, tangents)
    }
}
