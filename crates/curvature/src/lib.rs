//! Gauss-Newton and Hessian products of any Burn module over a data set, as linear operators.

mod cost;
mod error;
mod loss;
mod model;
mod operator;
mod product;
mod quantities;
mod rows;

pub use cost::Cost;
pub use error::CurvatureError;
pub use loss::{BinaryCrossEntropy, CrossEntropy, Loss, SquaredError, Targets};
pub use model::{Model, Parameter};
pub use operator::{BatchOperator, Damped, LinearOperator};
pub use product::{Curvature, GaussNewton, Hessian, IsGaussNewton, IsHessian, Kind};
pub use rows::{RowKind, Rows};
