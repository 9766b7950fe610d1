//! Gauss-Newton and Hessian products of any Burn module over a data set, as linear operators.

mod error;
mod operator;

pub use error::CurvatureError;
pub use operator::{BatchOperator, Damped, LinearOperator};
