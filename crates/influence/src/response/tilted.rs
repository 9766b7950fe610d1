//! A loss that serves all response functions in one program.

use backdraft_curvature::{Examples, Loss};
use burn::{Tensor, tensor::Shape};

/// The loss `L` times a weight, less a linear term times another: for each example
///
/// ```text
/// w L(y, t) - u <c, y>
/// ```
///
/// With `c` the gradient of `L` at the reference outputs and `w = u = 1` it is the Bregman divergence but for a constant, with
/// `u = 0` the loss itself, and with `w < 0` an example taken away. The targets are those of `L`, then `c`, `[batch, outputs]`, then
/// `w` and `u`, `[batch]` each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tilted<L>(pub L);

impl<L: Loss> Loss for Tilted<L> {
    type Targets = (L::Targets, (Tensor<2>, (Tensor<1>, Tensor<1>)));

    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        self.0
            .check_shapes(outputs, &targets[..L::Targets::TENSORS])
    }

    fn per_example(
        &self,
        outputs: Tensor<2>,
        (targets, (slopes, (weights, tilts))): Self::Targets,
    ) -> Tensor<1> {
        // A class that is ruled out has the output -inf, of which the loss's slope is zero.
        let still = slopes.clone().equal_elem(0.0);
        let linear = (slopes * outputs.clone().mask_fill(still, 0.0))
            .sum_dim(1)
            .squeeze_dim(1);
        self.0.per_example(outputs, targets) * weights - linear * tilts
    }
}
