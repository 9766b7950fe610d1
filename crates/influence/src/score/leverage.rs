//! How far examples are fitted by themselves alone.

use serde::{Deserialize, Serialize};

/// From where on [`Leverage::is_alone`] says so.
const ALONE: f64 = 0.9;

/// The leverage of a removal: the eigenvalues of `eps R A^-1 R'`, where `R' R` is the removed examples' own part of the
/// curvature `A`, and `eps` the weight taken off. Each is the share of the curvature, in one direction of the examples'
/// outputs, that goes with them: between 0 and 1 where `A` is positive definite and `eps` at most their weight.
///
/// For least squares and one example it is the diagonal element `P_ii` of the hat matrix (Cook & Weisberg 1982), and
/// for generalised linear models Pregibon's (1981). The sum over all examples is the number of parameters that the data
/// determine, the effective dimension.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Leverage {
    /// The eigenvalues that are not negligible, the largest first.
    pub values: Vec<f64>,
}

impl Leverage {
    /// The largest eigenvalue: 0 if there is none.
    pub fn largest(&self) -> f64 {
        self.values.first().copied().unwrap_or(0.0)
    }

    /// Their sum: how many outputs the examples settle by themselves.
    pub fn total(&self) -> f64 {
        self.values.iter().sum()
    }

    /// Whether in some direction of the outputs next to nothing but these examples says what the network answers to
    /// them: the largest eigenvalue is above 0.9. What it would answer without them is an extrapolation.
    pub fn is_alone(&self) -> bool {
        self.largest() > ALONE
    }
}
