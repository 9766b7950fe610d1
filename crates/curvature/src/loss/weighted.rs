//! A loss with a weight for every example.

use burn::{Tensor, tensor::Shape};

use super::{Loss, reject};
use crate::CurvatureError;

/// The loss `L` times a weight for every example, which is the second of its targets, `[batch]`. In a Fisher matrix, a
/// weight counts how often an example is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Weighted<L>(
    /// The loss.
    pub L,
);

impl<L: Loss> Loss for Weighted<L> {
    type Targets = (L::Targets, Tensor<1>);

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        self.0.check_shapes(outputs, &targets[..targets.len() - 1])
    }

    fn per_example(&self, outputs: Tensor<2>, (targets, weights): Self::Targets) -> Tensor<1> {
        self.0.per_example(outputs, targets) * weights
    }

    fn per_place(
        &self,
        outputs: Tensor<2>,
        (targets, weights): Self::Targets,
    ) -> Option<Tensor<2>> {
        let parts = self.0.per_place(outputs, targets)?;
        Some(parts * weights.unsqueeze_dim(1))
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        (targets, weights): Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let product = self.0.hessian_product(outputs, targets, tangents)?;
        Some(product * weights.unsqueeze_dim(1))
    }

    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        (targets, weights): Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let product = self.0.fisher_product(outputs, targets, tangents)?;
        Some(product * weights.unsqueeze_dim(1))
    }

    fn hessian_root(
        &self,
        outputs: Tensor<2>,
        (targets, weights): Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let product = self.0.hessian_root(outputs, targets, vectors)?;
        Some(product * weights.sqrt().unsqueeze_dim(1))
    }

    fn check(
        &self,
        (targets, weights): &Self::Targets,
        outputs: usize,
    ) -> Result<(), CurvatureError> {
        self.0.check(targets, outputs)?;
        let w = weights.clone();
        let wrong = w.clone().lower_elem(0.0).bool_or(w.is_finite().bool_not());
        reject("weight", weights, wrong, || {
            "it must be finite and not negative".into()
        })
    }

    fn is_convex(&self) -> bool {
        self.0.is_convex()
    }
}
