//! Functions of Burn tensors as programs: trace, differentiate, simplify, run.
//!
//! Burn differentiates once, in reverse mode, while it computes. Here a function is first traced into Burn's graph IR, the way JAX
//! does it; the trace is a [`Program`] that can be transformed, printed and run on any device, any number of times:
//!
//! | transformation | result |
//! |---|---|
//! | [`Program::jvp`] | forward mode: outputs and their derivatives along tangents |
//! | [`Program::vjp`] | reverse mode: outputs and the gradients that cotangents pull back |
//! | [`Program::gradient`] | reverse mode of the sum of all outputs |
//! | [`Program::simplify`] | the same function with less work |
//! | [`Program::linearize`] | the part that depends on some inputs apart from the part that does not |
//! | [`Program::compile`] | the program with its constants on a device |
//!
//! They compose to any order: the `jvp` of a `gradient` is a Hessian-vector program. And since [`Program::call`] records itself
//! while another function is traced, programs are building blocks of programs.
//!
//! ```
//! use backdraft_program::{Program, Spec};
//! use burn::tensor::{DType, Device, Tensor};
//!
//! let device = Device::flex();
//! let spec = [Spec::new([3], DType::F32)];
//! let cubes = Program::trace(&device.settings(), &spec, |inputs| {
//!     let x = Tensor::<1>::from_dispatch(inputs[0].clone());
//!     Ok(vec![(x.clone() * x.clone() * x).sum().into_dispatch()])
//! })?;
//!
//! // The Hessian of sum x^3 is diag(6 x).
//! let hessian_vector = cubes.gradient(&[0])?.jvp(&[0])?;
//! let x = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &device).into_dispatch();
//! let v = Tensor::<1>::from_floats([1.0, 1.0, -1.0], &device).into_dispatch();
//! let [value, gradient, along, product] = hessian_vector.call(vec![x, v])?.try_into().unwrap();
//! # let _ = (value, gradient, along);
//! let product = Tensor::<1>::from_dispatch(product).into_data().try_into_vec::<f32>().unwrap();
//! assert_eq!(product, [6.0, 12.0, -18.0]);
//! # Ok::<(), backdraft_program::ProgramError>(())
//! ```
//!
//! Everything is exact: there are no finite differences. Tensors are rankless [`DispatchTensor`]s at this level, because a program
//! does not know its ranks at compile time.

mod compile;
mod differentiate;
mod error;
mod function;
mod functions;
mod linear;
mod linearize;
mod nest;
mod parameters;
mod place;
mod program;
mod record;
mod replay;
mod simplify;
mod tensors;
mod value;

pub use burn::backend::DispatchTensor;
pub use burn_backend::DeviceSettings;
pub use compile::Compiled;
pub use error::ProgramError;
pub use function::Function;
pub use functions::{grad, hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp};
pub use linear::Linear;
pub use linearize::Linearized;
pub use parameters::Parameters;
pub use program::Program;
pub use tensors::{Constant, Leaves, Outcome, Tensors};
pub use value::Spec;
