//! Small computations whose results are pictures: what is behind the terms of influence functions, on data made up from
//! a seed, with networks small enough to look at whole.
//!
//! | illustration | shows |
//! |---|---|
//! | [`Homotopy`] | where the minimum goes while an example's weight falls from 1 to 0, and how training gets there |
//! | [`WarmStart`] | which of many minima gradient descent comes to from where |
//! | [`Boundary`] | what influence and training again do to the decision boundary of a network trained in part |
//!
//! Everything in them is computed by the engine in 64 bits; what has a closed form is held against it by their tests.

mod boundary;
mod draw;
mod error;
mod homotopy;
mod unit;
mod warm_start;

pub use boundary::{Boundary, BoundaryConfig, BoundaryStage};
pub use error::IllustrationError;
pub use homotopy::{Homotopy, HomotopyConfig, HomotopyPoint, WeightState};
pub use unit::UnitParameters;
pub use warm_start::{DescentPath, WarmStart, WarmStartConfig};
