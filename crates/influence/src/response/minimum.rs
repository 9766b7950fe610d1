//! What a minimisation came to.

use burn::Tensor;

/// Steps that are looked back on to see whether the descent has ended.
const WINDOW: usize = 10;

/// A minimiser, and the evidence for it.
#[derive(Clone, Debug)]
pub struct Minimum {
    /// The parameters, of shape `[dim]`.
    pub theta: Tensor<1>,
    /// Value of the objective at the start and after every step.
    pub values: Vec<f64>,
    /// Norm of the objective's gradient at the start and after every step. At a kink of a piecewise smooth network it
    /// stays above zero.
    pub gradient_norms: Vec<f64>,
}

impl Minimum {
    /// The gradient's norm at the minimiser, relative to the one at the start: 1 if no step was made, 0 if there was no
    /// gradient.
    pub fn relative_gradient(&self) -> f64 {
        match (self.gradient_norms.first(), self.gradient_norms.last()) {
            (Some(&first), Some(&last)) if first > 0.0 => last / first,
            _ => 0.0,
        }
    }

    /// The objective's decrease over the last ten steps, relative to its whole decrease; 1 if there were fewer steps.
    pub fn relative_decrease(&self) -> f64 {
        let last = self.values.len() - 1;
        if last < WINDOW {
            return 1.0;
        }
        let (whole, recent) = (self.values[0], self.values[last - WINDOW]);
        (recent - self.values[last]) / (whole - self.values[last]).max(f64::MIN_POSITIVE)
    }

    /// Whether neither the objective nor its gradient fell in the last ten steps.
    pub(super) fn stalled(&self, decrease: f64) -> bool {
        let norms = &self.gradient_norms;
        let last = norms.len() - 1;
        last >= WINDOW
            && self.relative_decrease() <= decrease
            && norms[last] > 0.5 * norms[last - WINDOW]
    }
}
