//! When an objective counts as minimised.

use serde::Serialize;

use super::ResponseError;

/// When an objective counts as minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Stop {
    /// The gradient's norm, relative to the one at the start.
    pub tolerance: f64,
    /// A piecewise smooth network (ReLU, max pooling) may have its minimum at a kink, where no gradient vanishes: the
    /// objective also counts as minimised once ten steps lower it by no more than this share of its whole decrease, and
    /// the gradient does not fall either.
    pub decrease: f64,
    /// Most steps.
    pub max_steps: usize,
}

impl Stop {
    pub(super) fn check(&self) -> Result<(), ResponseError> {
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            let problem = format!("is {:?}, must lie between 0 and 1", self.tolerance);
            return Err(ResponseError::setting("tolerance", problem));
        }
        if !(self.decrease >= 0.0 && self.decrease < 1.0) {
            let problem = format!("is {:?}, must be 0 or more and less than 1", self.decrease);
            return Err(ResponseError::setting("decrease", problem));
        }
        Ok(())
    }
}
