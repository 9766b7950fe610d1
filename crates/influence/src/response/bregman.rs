//! The Bregman divergence of a loss, as a loss.

use std::sync::Arc;

use backdraft_curvature::{AnyLoss, Cost, CurvatureError, Examples, Rows, Slot};
use burn::{Tensor, tensor::Shape};

/// The Bregman divergence of a loss `L` from reference outputs `y_s`, in the outputs `y`:
///
/// ```text
/// D(y, y_s) = L(y, t) - L(y_s, t) - <grad L(y_s, t), y - y_s>
/// ```
///
/// (Bae et al. 2022, Eqn 9, with the loss as the convex function.) Not negative for a loss convex in the outputs, 0 at
/// `y_s`, and of the same output Hessian as `L`. Its targets are those of `L`, then `y_s` and `grad L(y_s, t)`,
/// `[batch, outputs]` each.
pub struct Bregman(Arc<dyn AnyLoss>);

impl Bregman {
    /// The mean divergence of a cost's outputs from those at its present parameters, which therefore minimise it,
    /// without the cost's L2 term.
    ///
    /// # Errors
    /// [`CurvatureError::Program`].
    pub fn of(cost: &Cost) -> Result<Cost, CurvatureError> {
        let mut targets = cost.targets()?;
        targets.extend([cost.outputs()?.into(), cost.output_gradients()?.into()]);
        cost.with_any_loss(Arc::new(Self(cost.loss().clone())), targets)
    }
}

/// `y_s` and `grad L(y_s, t)`.
type Reference = (Tensor<2>, Tensor<2>);

/// The targets of `L`, and the reference.
fn divided(targets: &[Rows]) -> (&[Rows], Reference) {
    let (own, reference) = targets.split_at(targets.len() - Reference::TENSORS);
    (own, Reference::from_rows(&mut reference.iter().cloned()))
}

impl AnyLoss for Bregman {
    fn slots(&self) -> Vec<Slot> {
        [self.0.slots(), Reference::slots()].concat()
    }

    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        let own = &targets[..targets.len() - Reference::TENSORS];
        self.0.fits(outputs, own)
    }

    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1> {
        let (own, (reference, gradient)) = divided(targets);
        // A class that is ruled out has the output -inf here and there, which is no difference.
        let ruled_out = reference.clone().equal_elem(f64::NEG_INFINITY);
        let moved = (outputs.clone() - reference.clone()).mask_fill(ruled_out, 0.0);
        let linear = (gradient * moved).sum_dim(1).squeeze_dim(1);
        let at_reference = self.0.losses(reference, own);
        self.0.losses(outputs, own) - at_reference - linear
    }

    fn hessian_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.0.hessian_times(outputs, divided(targets).0, tangents)
    }

    fn convex(&self) -> bool {
        self.0.convex()
    }
}
