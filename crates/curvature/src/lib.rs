//! Products with the Gauss-Newton matrix, the Hessian and the Fisher matrices of any Burn module over a data set.
//!
//! A [`Model`] is a module seen as a function of its parameters, a [`Cost`] its mean [`Loss`] over examples. From a
//! cost come its value, gradient, per-example losses and their derivatives along a direction, and four curvature
//! matrices, linear operators that are known by exact products with vectors: [`Cost::gauss_newton`], [`Cost::hessian`],
//! [`Cost::fisher`] and [`Cost::empirical_fisher`]; and the third derivative along a vector twice,
//! [`Cost::third_derivative`]. Vectors are flat, `Tensor<1>` of shape `[dim]`.
//!
//! ```
//! use backdraft_curvature::{Cost, LinearOperator, Model, SquaredError};
//! use burn::{nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
//!
//! let device = Device::flex();
//! let module = LinearConfig::new(2, 1).with_bias(false).init(&device);
//! let x = Tensor::<2>::from_floats([[1.0, 0.0], [1.0, 2.0]], &device);
//! let t = Tensor::<2>::from_floats([[0.0], [1.0]], &device);
//!
//! let model = Model::new(&module, |linear: &Linear, x: Tensor<2>| linear.forward(x))?;
//! let cost = Cost::new(model, SquaredError, x, t)?;
//!
//! // Least squares: the matrix is X'X / N.
//! let v = Tensor::<1>::from_floats([1.0, 1.0], &device);
//! let product = cost.gauss_newton().apply(v)?.into_data().try_into_vec::<f32>().unwrap();
//! assert_eq!(product, [2.0, 3.0]);
//! # Ok::<(), backdraft_curvature::CurvatureError>(())
//! ```
//!
//! The cost is a *mean* over examples, and so are all matrices:
//!
//! | operator | matrix |
//! |---|---|
//! | [`Cost::gauss_newton`] | `1/N sum over i of J_i' H_i J_i`, with the losses' Hessians `H_i` in the outputs |
//! | [`Cost::hessian`] | the second derivative |
//! | [`Cost::fisher`] | `1/N sum over i of J_i' E[g g'] J_i`, targets drawn from the model |
//! | [`Cost::empirical_fisher`] | `1/N sum over i of g_i g_i'`, with the targets that there are |
//! | [`Damped`], [`Scaled`], [`Sum`], [`Without`] | `A + damping I`, `factor A`, `A + B`, `A` less the part of some examples |
//! | [`Sharded`] | a mean over examples that lie apart, on several devices |
//! | [`CountedOperator`] | `A`, and tells of its products |
//!
//! Each has [`LinearOperator::apply`], [`LinearOperator::apply_many`] and [`to_dense`]. What does not depend on the
//! vector is kept between products within a memory budget ([`Curvature::with_memory`]); a product needs memory for one
//! batch, what is kept, and a few vectors. [`Cost::program`] and [`Curvature::programs`] show what runs. What cannot be
//! differentiated is an error that names the operation and its place: the parameter that it comes after, or the loss.

mod cause;
mod check;
mod cost;
mod data;
mod error;
mod estimate;
mod exact;
mod examples;
mod finite;
mod fixed;
mod function;
mod lock;
mod loss;
mod memory;
mod model;
mod operator;
mod parameter;
mod parts;
mod programs;
mod rows;
mod trace;

pub use backdraft_program::Half;
pub use cause::Cause;
pub use cost::{BatchProgress, Cost, ExampleLosses, ShardedCost};
pub use error::CurvatureError;
pub use estimate::{
    BlockKind, BlockSummary, Coverage, ExampleRoot, KroneckerConfig, KroneckerFactored,
};
pub use exact::Curvature;
pub use examples::{Examples, IntoRows, Slot};
pub use function::BatchFunction;
pub use loss::{
    AnyLoss, BinaryCrossEntropy, CrossEntropy, Huber, Loss, Poisson, SquaredError,
    TokenCrossEntropy, TokenReduction, Weighted, reject,
};
pub use memory::is_out_of_memory;
pub use model::Model;
pub use operator::{
    BatchOperator, CountedOperator, Damped, Definiteness, Law, LinearOperator, Scaled, Sharded,
    Sum, Without, to_dense,
};
pub use parameter::Parameter;
pub use rows::{RowKind, Rows};
