//! Where training stands.

/// Where training stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainProgress {
    /// Passes over the data completed or begun, from 1.
    pub epoch: usize,
    /// Passes there will be, at most.
    pub epochs: usize,
    /// Steps made; for L-BFGS, evaluations of the cost and its gradient.
    pub step: usize,
    /// Steps there will be, at most.
    pub steps: usize,
    /// Mean loss, without the L2 term, over the steps since the last report; for L-BFGS, at the last point tried.
    pub loss: f64,
    /// Norm of the cost's gradient at the last point tried, for L-BFGS.
    pub gradient_norm: Option<f64>,
}
