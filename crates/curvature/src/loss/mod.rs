//! Losses with the exact Hessian in their outputs.

mod any;
mod binary_cross_entropy;
mod check;
mod cross_entropy;
mod huber;
mod poisson;
mod shapes;
mod squared_error;
mod sum_of_squares;
mod token_cross_entropy;
mod weighted;

use burn::{Tensor, tensor::Shape};

use crate::{CurvatureError, Examples};

pub use any::AnyLoss;
pub use binary_cross_entropy::BinaryCrossEntropy;
pub(crate) use check::no_class;
pub use check::reject;
pub use cross_entropy::CrossEntropy;
pub use huber::Huber;
pub use poisson::Poisson;
pub use squared_error::SquaredError;
pub(crate) use sum_of_squares::SumOfSquares;
pub use token_cross_entropy::{TokenCrossEntropy, TokenReduction};
pub use weighted::Weighted;

/// The loss of one example, as a function of the network's outputs for it.
///
/// Written in ordinary tensor operations: it is traced and differentiated like the network itself.
pub trait Loss: Clone + Send + Sync + 'static {
    /// What the outputs of a batch are compared with.
    type Targets: Examples;

    /// Whether targets of the shapes `targets`, one a tensor, belong to outputs of the shape `outputs`, `[batch, ..]`,
    /// as the network returns them. Asked once, before [`per_example`](Self::per_example) sees the outputs as rows,
    /// where targets that do not belong would be repeated to fit, or read as something else. The default takes all.
    ///
    /// # Errors
    /// What is expected instead, for the message of [`CurvatureError::Targets`](crate::CurvatureError::Targets).
    fn check_shapes(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        let _ = (outputs, targets);
        Ok(())
    }

    /// The loss of every example: `[batch]`, from outputs `[batch, outputs]`.
    fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1>;

    /// The parts of every example's loss that belong to its places, `[batch, places]`, such as the tokens of a
    /// sequence: they sum to [`per_example`](Self::per_example), so the factor of a mean is in them. What is computed
    /// of examples by place ([`Cost::place_derivatives`](crate::Cost::place_derivatives)) is computed of these.
    ///
    /// `None`, the default, for losses of an example as a whole.
    fn per_place(&self, outputs: Tensor<2>, targets: Self::Targets) -> Option<Tensor<2>> {
        let _ = (outputs, targets);
        None
    }

    /// The product of every example's output Hessian with `tangents`: `[batch, outputs]`. The Hessian is that of
    /// [`per_example`](Self::per_example), unscaled, and must be positive semi-definite for a Gauss-Newton matrix to be
    /// so.
    ///
    /// `None`, the default, leaves it to the engine, which differentiates [`per_example`](Self::per_example) twice. A
    /// closed form is cheaper where outputs are wide.
    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, tangents);
        None
    }

    /// The product of every example's output Fisher matrix with `tangents`, `[batch, outputs]`: of `E[g g']`, where `g`
    /// is the gradient of [`per_example`](Self::per_example) in the outputs and the expectation is over targets that
    /// the outputs themselves give probabilities to. Of the targets given, only what is not drawn matters, such as
    /// weights.
    ///
    /// `None`, the default, for losses that are not the negative logarithm of such a distribution.
    fn fisher_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, tangents);
        None
    }

    /// The product of a square root `R` of every example's output Hessian, `R R' = H`, with `vectors`:
    /// `[batch, outputs]`. Structured approximations are made of what its columns are pulled back to.
    ///
    /// `None`, the default, leaves it to the engine, which factors the Hessians of losses of few outputs.
    fn hessian_root(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, vectors);
        None
    }

    /// Looks whether the loss is defined for `targets`, of examples with `outputs` outputs each, and whether its own
    /// settings make sense: called once for each example, before it is first used. [`reject`] looks for what is wrong
    /// by one reduction on the device.
    ///
    /// # Errors
    /// The default finds nothing wrong. [`CurvatureError::Target`] names the first example and its value, counted from
    /// the first row of `targets`; [`CurvatureError::Setting`].
    fn check(&self, targets: &Self::Targets, outputs: usize) -> Result<(), CurvatureError> {
        let _ = (targets, outputs);
        Ok(())
    }

    /// Whether the loss of an example is convex in the outputs, whatever its target: then the Gauss-Newton matrix has
    /// no negative eigenvalue. `false`, the default, claims nothing.
    fn is_convex(&self) -> bool {
        false
    }
}
