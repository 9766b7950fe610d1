//! A point of a path, and the evidence for it.

use burn::tensor::{Tensor, TensorReadError};
use serde::{Deserialize, Serialize};

/// A point of a path.
#[derive(Clone, Debug)]
pub struct PathPoint {
    /// The minimum `theta(eps)`, `[dim]`.
    pub theta: Tensor<1>,
    /// The path's derivative `theta'(eps)`, `[dim]`: at `eps = 1` minus what influence with the Hessian predicts of the
    /// whole change.
    pub tangent: Tensor<1>,
    /// Its second derivative `theta''(eps)`, `[dim]`.
    pub second: Tensor<1>,
    /// What is known of it in numbers.
    pub facts: PointFacts,
}

/// A point of a path in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointFacts {
    /// The share `eps` of the change that is not yet made: 1 at the trained parameters, 0 with the change.
    pub eps: f64,
    /// The step of `eps` from the point before; 0 of the first.
    pub step: f64,
    /// The objective's value, the least that there is near by, in units of the loss.
    pub value: f64,
    /// `D` at the minimum: the derivative of [`value`](Self::value) in `eps`. For one example it is `l_j / N`.
    pub taken: f64,
    /// The derivative of [`taken`](Self::taken) in `eps`, `-grad D' A^-1 grad D`, never positive.
    pub taken_slope: f64,
    /// `||theta'||`.
    pub speed: f64,
    /// `||theta''||`.
    pub acceleration: f64,
    /// `<theta', theta''>`: half the derivative of `||theta'||^2`.
    pub stretch: f64,
    /// The objective's curvature along the path, `<theta', A theta'> / ||theta'||^2`: 0 at a fold.
    pub curvature: f64,
    /// The norm of the objective's gradient, relative to that of `D`: 0 on the path.
    pub gradient: f64,
    /// Newton steps of the correction.
    pub corrections: usize,
    /// How far the correction was from the prediction, relative to the step's length; 0 of the first point.
    pub corrected: f64,
    /// The largest true residual of the systems that were solved for this point, relative to their right-hand sides.
    pub true_residual: f64,
    /// Products with the Hessian that they took.
    pub products: f64,
}

impl PathPoint {
    /// Where the Taylor polynomial to second order leads at another `eps`.
    pub fn predicted(&self, eps: f64) -> Tensor<1> {
        let h = eps - self.facts.eps;
        let moved = self.tangent.clone() * h + self.second.clone() * (0.5 * h * h);
        self.theta.clone() + moved
    }
}

/// `<a, b>`.
pub(super) fn dot(a: &Tensor<1>, b: &Tensor<1>) -> Result<f64, TensorReadError> {
    (a.clone() * b.clone()).sum().try_into_scalar()
}
