//! A loss that serves all response functions in one program.

use std::sync::Arc;

use backdraft_curvature::{AnyLoss, Cost, CurvatureError, Examples, Rows, Slot};
use burn::{
    Tensor,
    tensor::{Shape, TensorData},
};

/// A loss `L` times a weight, less a linear term times another: for each example
///
/// ```text
/// w L(y, t) - u <c, y>
/// ```
///
/// With `c` the gradient of `L` at the reference outputs and `w = u = 1` it is the Bregman divergence but for a
/// constant, with `u = 0` the loss itself, and with `w < 0` an example taken away. The targets are those of `L`, then
/// [`Reweighting`].
pub(crate) struct Reweighted(pub Arc<dyn AnyLoss>);

/// `c`, `[batch, outputs]`, then `w` and `u`, `[batch]` each.
pub(crate) type Reweighting = (Tensor<2>, Tensor<1>, Tensor<1>);

/// The targets of `L`, and the rest.
fn divided(targets: &[Rows]) -> (&[Rows], Reweighting) {
    let (own, rest) = targets.split_at(targets.len() - Reweighting::TENSORS);
    (own, Reweighting::from_rows(&mut rest.iter().cloned()))
}

impl Reweighted {
    /// `cost` under this loss, with `w` and `u` of 0 until they are given.
    pub fn of(cost: &Cost) -> Result<Cost, CurvatureError> {
        let (model, n) = (cost.model(), cost.len());
        let options = (model.device(), model.dtype());
        let none = Tensor::<1>::zeros([n], (options.0, options.1));
        let slopes = Tensor::<2>::zeros([n, 1], (options.0, options.1));
        let mut targets = cost.targets()?;
        targets.extend((slopes, none.clone(), none).into_rows());
        cost.with_any_loss(Arc::new(Self(cost.loss().clone())), targets)
    }

    /// Some examples of a cost under this loss, with other `c`, `w` and `u`.
    pub fn with(part: &Cost, reweighting: Reweighting) -> Result<Cost, CurvatureError> {
        let mut targets = part.targets()?;
        targets.truncate(targets.len() - Reweighting::TENSORS);
        targets.extend(reweighting.into_rows());
        part.with_targets(targets)
    }

    /// The same, where each example's loss is but multiplied by a weight.
    pub fn with_weights(part: &Cost, weights: &[f64]) -> Result<Cost, CurvatureError> {
        let (model, n) = (part.model(), weights.len());
        let options = (model.device(), model.dtype());
        let data = TensorData::new(weights.to_vec(), [n]);
        let weights = Tensor::<1>::from_data(data, (options.0, options.1));
        let slopes = Tensor::<2>::zeros([n, 1], (options.0, options.1));
        Self::with(part, (slopes, weights.clone(), weights.zeros_like()))
    }
}

impl AnyLoss for Reweighted {
    fn slots(&self) -> Vec<Slot> {
        [self.0.slots(), Reweighting::slots()].concat()
    }

    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        let own = &targets[..targets.len() - Reweighting::TENSORS];
        self.0.fits(outputs, own)
    }

    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1> {
        let (own, (slopes, weights, tilts)) = divided(targets);
        // A class that is ruled out has the output -inf, of which the loss's slope is zero.
        let still = slopes.clone().equal_elem(0.0);
        let linear = (slopes * outputs.clone().mask_fill(still, 0.0))
            .sum_dim(1)
            .squeeze_dim(1);
        self.0.losses(outputs, own) * weights - linear * tilts
    }
}
