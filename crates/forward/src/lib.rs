//! Forward-mode automatic differentiation for Burn: the backend decorator [`Dual`], twin of
//! burn-autodiff's `Autodiff`.
//!
//! A [`DualTensor`] is a value (the *primal*) together with its derivative along one direction of
//! the inputs (the *tangent*). Every operation of [`Dual<B>`] computes its value on the inner
//! backend `B` and pushes the tangent through by its exact rule, so that running a function once
//! gives `f(x)` and the Jacobian-vector product `f'(x) v`:
//!
//! ```
//! use backdraft_forward::{Dual, DualTensor};
//! use burn_backend::ops::FloatTensorOps;
//! use burn_backend::{TensorData, TensorMetadata};
//! use burn_flex::Flex;
//!
//! let device = Default::default();
//! let tensor = |values: [f64; 3]| Flex::float_from_data(TensorData::from(values), &device);
//!
//! // y = sum(x^2) at x = (1, 2, 3) along v = (1, 0, -1).
//! let x = DualTensor::<Flex>::new(tensor([1.0, 2.0, 3.0]), tensor([1.0, 0.0, -1.0]));
//! let y = Dual::<Flex>::float_sum(Dual::<Flex>::float_mul(x.clone(), x));
//!
//! let (primal, tangent) = y.into_parts();
//! assert_eq!(primal.into_data().try_into_vec::<f64>().unwrap(), [14.0]);
//! assert_eq!(tangent.unwrap().into_data().try_into_vec::<f64>().unwrap(), [-4.0]);
//! ```
//!
//! # Rules
//!
//! - **Zero.** Comparisons, `argmax`, `sign`, `floor`, ... have derivative zero wherever they have
//!   one: their outputs are constants.
//! - **Linear.** Reshapes, sums, gathers, averages, ...: the same operation on the tangent.
//! - **Bilinear.** Products, matrix products, convolutions and the operations of their reverse
//!   passes: the product rule.
//! - **Elementwise.** The derivative, computed from the value or from the output, times the tangent.
//! - **Selection.** `max`, `sort`, max pooling, ...: the tangent gathered where the value was taken.
//!   Among equal values it follows the one whose index the inner backend reports.
//! - The rest is composed of the above.
//!
//! A tangent that is structurally zero is `None`: no operation is issued for it, and an operation
//! whose inputs are all constants is exactly the inner backend's own, fused kernels included.
//!
//! Derivatives that are small differences of large numbers, at the ends of `sigmoid`, `tanh` and `softmax`, are
//! computed otherwise, and products are multiplied out, not divided by their factors: [`parts`] has the formulas.
//!
//! At the kinks of `relu`, `clamp`, `abs`, ... the derivative is the one that burn-autodiff takes,
//! so that Jacobian-vector and vector-Jacobian products are transposes of one another there too. For
//! the same reason the derivative of `gelu` is the backend's own `gelu_backward`, which Burn's GPU
//! backends approximate. [`float_detach`](burn_backend::ops::FloatTensorOps::float_detach) stops the
//! tangent as it stops the gradient.
//!
//! # Nesting
//!
//! `Dual<B>` asks nothing of `B` but that it is a [`Backend`](burn_backend::Backend).
//! `Dual<Dual<B>>` gives second derivatives, `Dual<CaptureBackend>` records the Jacobian-vector
//! program of a graph, and replaying a recorded reverse pass on it gives Hessian-vector programs: the
//! operations that occur only in reverse passes have rules too.
//!
//! # What has no rule
//!
//! An operation without a rule is never taken for a constant: if a tangent reaches it, it raises
//! [`UnsupportedOperation`], which [`catch_unsupported`] turns into an error. These are
//!
//! - `quantize`, `quantize_dynamic` and `q_matmul` of a float tensor with a tangent;
//! - `deform_conv2d` with respect to its offsets and mask, and `deform_conv2d_backward` with respect
//!   to anything but the output's gradient;
//! - `grid_sample_2d` other than bilinear;
//! - `ctc_loss_backward` with respect to the log-probabilities;
//! - `scatter`, `scatter_nd` and `select_assign` that multiply by values with a tangent, or that take a
//!   minimum or maximum.
//!
//! Random numbers are constants. A custom operation is no operation of the backend traits, and cannot be
//! called on `Dual` at all. A graph that was recorded does not hold `detach`, so that replaying it on
//! `Dual` cannot see it.

mod backend;
mod error;
mod ops;
pub mod parts;
mod rules;
mod tensor;

pub use backend::Dual;
pub use error::{UnsupportedOperation, catch_unsupported};
pub use tensor::DualTensor;
