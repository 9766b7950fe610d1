//! Linear models in closed form, in f64 on the host: what influence, leave-one-out and the responses are where nothing
//! has to be approximated.
//!
//! For least squares everything that influence functions estimate is known exactly (Cook & Weisberg 1982, "Residuals
//! and Influence in Regression"); for logistic regression, one Newton step from the minimum is (Pregibon 1981,
//! "Logistic Regression Diagnostics"). What is estimated for other models can be held against them.
//!
//! # Scale
//! Objectives are *sums* over examples, with the factor 1/2 that [`SquaredError`](backdraft_curvature::SquaredError)
//! has,
//!
//! ```text
//! sum over i of 1/2 (x_i theta - y_i)^2 + ridge/2 ||theta||^2
//! ```
//!
//! so that a [`Cost`](backdraft_curvature::Cost), which is a mean over `N` examples and has the term `l2/2
//! ||theta||^2`, has the same minimum as `ridge = N l2`. A removal leaves the ridge as it is: it is the removal of
//! `1/N L(z)` from the cost, whose mean counts all `N` examples whatever their weights.

mod design;
mod diagnostics;
mod error;
mod least_squares;
mod linear_fit;
mod logistic;
mod logits;
mod minimum;
mod pbrf;
mod softmax;

pub use backdraft_dense::DenseMatrix;
pub use design::DesignConfig;
pub use diagnostics::Diagnostics;
pub use error::ClosedFormError;
pub use least_squares::LeastSquaresFit;
pub use linear_fit::LinearFit;
pub use logistic::LogisticFit;
pub use minimum::LogisticConfig;
pub use pbrf::LeastSquaresPbrf;

/// How far below 1 a leverage must be for its example to be told apart from one that is fitted by itself alone: what
/// rounding leaves of a leverage.
const ALONE: f64 = 1e-11;
