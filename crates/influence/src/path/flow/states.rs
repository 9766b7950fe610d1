//! What a flow came through.

use burn::Tensor;

/// A flow at one time.
#[derive(Clone, Debug)]
pub struct FlowState {
    /// The time, in units of step size times number of steps of gradient descent on the objective.
    pub time: f64,
    /// The parameters, `[dim]`.
    pub theta: Tensor<1>,
    /// The objective there.
    pub value: f64,
    /// The Euclidean norm of the objective's gradient there: how far the flow is from its end.
    pub gradient_norm: f64,
}

/// A flow at the times that were asked for, and what it took.
#[derive(Clone, Debug)]
pub struct FlowPath {
    /// One a time, in their order.
    pub states: Vec<FlowState>,
    /// Steps made.
    pub steps: usize,
    /// Steps tried in vain, whose error was above the tolerance.
    pub rejected: usize,
    /// Gradients computed.
    pub evaluations: usize,
}
