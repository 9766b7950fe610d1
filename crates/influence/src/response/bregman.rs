//! The Bregman divergence of a loss, as a loss.

use backdraft_curvature::{Cost, CurvatureError, Examples, Loss};
use burn::{Tensor, tensor::Shape};

/// The Bregman divergence of `L` from reference outputs `y_s`, in the outputs `y`:
///
/// ```text
/// D(y, y_s) = L(y, t) - L(y_s, t) - <grad L(y_s, t), y - y_s>
/// ```
///
/// (Bae et al. 2022, Eqn 9, with the loss as the convex function.) Not negative for a loss convex in the outputs, 0 at `y_s`, and
/// of the same output Hessian as `L`. Its targets are those of `L`, then `y_s` and `grad L(y_s, t)`, `[batch, outputs]` each.
#[derive(Clone, Copy, Debug)]
pub struct Bregman<L>(L);

impl<L: Loss> Bregman<L> {
    /// The mean divergence of a cost's outputs from those at its present parameters, which therefore minimise it,
    /// without the cost's L2 term.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn of(cost: &Cost<L>) -> Result<Cost<Self>, CurvatureError> {
        let reference = (cost.outputs()?, cost.output_gradients()?);
        let targets = (cost.targets()?, reference);
        cost.with_loss(Self(cost.loss().clone()), targets)
    }
}

impl<L: Loss> Loss for Bregman<L> {
    type Targets = (L::Targets, (Tensor<2>, Tensor<2>));

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        self.0
            .check_shapes(outputs, &targets[..L::Targets::TENSORS])
    }

    fn per_example(
        &self,
        outputs: Tensor<2>,
        (targets, (reference, gradient)): Self::Targets,
    ) -> Tensor<1> {
        // A class that is ruled out has the output -inf here and there, which is no difference.
        let ruled_out = reference.clone().equal_elem(f64::NEG_INFINITY);
        let moved = (outputs.clone() - reference.clone()).mask_fill(ruled_out, 0.0);
        let linear = (gradient * moved).sum_dim(1).squeeze_dim(1);
        let at_reference = self.0.per_example(reference, targets.clone());
        self.0.per_example(outputs, targets) - at_reference - linear
    }

    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        (targets, _): Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.0.hessian_product(outputs, targets, tangents)
    }

    fn is_convex(&self) -> bool {
        self.0.is_convex()
    }
}
