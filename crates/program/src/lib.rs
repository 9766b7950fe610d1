//! Derivatives of any order for Burn: functions of tensors as programs that are traced, differentiated, simplified and
//! run.
//!
//! Burn differentiates once, in reverse mode, while it computes. Here a function is first traced into Burn's graph IR,
//! the way JAX does it, and the trace is transformed. Everything is exact: there are no finite differences.
//!
//! # Functions of closures
//!
//! | function | result |
//! |---|---|
//! | [`jvp`] | forward mode: the value, and its derivative along a tangent |
//! | [`vjp`] | reverse mode: the value, and the linear map that pulls cotangents back |
//! | [`linearize`] | the value, and its derivative as a linear map from tangents to tangents |
//! | [`grad`], [`value_and_grad`] | the gradient of a function of one number |
//! | [`hvp`] | the product of its Hessian with a vector |
//! | [`jacobian`], [`hessian`] | dense matrices |
//! | [`Function`] | any closure, traced once and run often |
//!
//! ```
//! use backdraft_program::{grad, hvp};
//! use burn::tensor::{Device, Tensor};
//!
//! let device = Device::flex();
//! let x = Tensor::<1>::from_floats([0.5, 1.0, 2.0], &device);
//!
//! // The second derivative of each element of x^3: the gradient of the sum of the gradient.
//! let slope = |x| grad(|x: Tensor<1>| x.powi_scalar(3).sum(), x);
//! let second = grad(|x| Ok(slope(x)?.sum()), x.clone())?;
//! assert_eq!(second.into_data(), (x.clone() * 6.0).into_data());
//!
//! // The same by a product with the Hessian, which is diagonal.
//! let product = hvp(|x: Tensor<1>| x.powi_scalar(3).sum(), x.clone(), x.ones_like())?;
//! assert_eq!(product.into_data(), (x * 6.0).into_data());
//! # Ok::<(), backdraft_program::ProgramError>(())
//! ```
//!
//! - **Arguments and results** are any [`Tensors`]: a tensor, tuples, arrays, vectors and options of them, and a
//!   module's [`Parameters`]. Derivatives are taken by the float tensors among them, except in a [`Constant`].
//! - **They compose** to any order. A closure within a function that is being differentiated may read that function's
//!   tensors; the closure then returns a `Result`, and `?` hands errors on.
//! - **A tensor from outside all of them** was computed before the trace and lives on another device than the traced
//!   ones. Pass it as an argument, in a [`Constant`] if it is not to be differentiated, or move it with
//!   `.to_device(&x.device())`.
//! - **They run where their arguments live**, in the arguments' float type. Each call traces its closure anew; in a
//!   loop use [`Function`], or [`linearize`] and [`vjp`] for many products at one point.
//!
//! # Programs
//!
//! Below the functions is [`Program`], a trace that can be transformed, printed and run on any device, any number of
//! times:
//!
//! | transformation | result |
//! |---|---|
//! | [`Program::jvp`] | forward mode: outputs and their derivatives along tangents |
//! | [`Program::vjp`] | reverse mode: outputs and the gradients that cotangents pull back |
//! | [`Program::gradient`] | reverse mode of the sum of all outputs |
//! | [`Program::simplify`] | the same function with less work |
//! | [`Program::linearize`] | what depends on some inputs apart from what does not; on a device a [`LinearMap`] |
//! | [`Program::vmap`] | the same function of many arguments at once |
//! | [`Program::outer_products`] | the vectors of which gradients of weights are sums of outer products |
//! | [`Program::recompute`] | the same function in less memory, some of it computed twice |
//! | [`Program::compile`] | the program with its constants on a device; [`Compiled::recorded`] replays its runs there |
//!
//! They compose to any order: the `jvp` of a `gradient` is a Hessian-vector program. And since [`Program::call`]
//! records itself while another function is traced, programs are building blocks of programs.
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
//! Tensors are rankless [`DispatchTensor`]s at this level, because a program does not know its ranks at compile time.
//!
//! # What is not supported
//!
//! An operation without a rule is [`ProgramError::Unsupported`], never a wrong derivative. The error says where it was
//! met ([`ErrorLocation`]): of which named input it is downstream, a module's parameter or an input of
//! [`Program::trace_named`].
//!
//! - In a trace: random numbers (draw them outside, as an argument), custom operations, quantized tensors, and the
//!   values of tensors (`into_data`, `into_scalar`): control flow cannot depend on them. `detach` is not recorded, so
//!   that derivatives go through it: pass what is to be held fixed as a [`Constant`].
//! - In forward mode: what the documentation of `backdraft-forward` lists, such as scatters that take a minimum or
//!   maximum; but `deform_conv2d` and interpolations are taken apart into operations that have rules.
//! - In reverse mode: `grid_sample_2d` other than bilinear.
//!
//! A function that panics while it is traced is [`ProgramError::Panicked`] with the panic's text and place, and nothing
//! is printed: a panic hook of this crate's keeps still meanwhile, and hands all other panics to the hook that was
//! there.
//!
//! Derivatives at the kinks of `relu`, `abs`, `clamp`, `max`, ... are those of burn-autodiff, in either mode.

mod closures;
mod ir;
mod kernels;
mod quirks;
mod run;
mod trace;
mod transform;

pub use burn::backend::DispatchTensor;
pub use burn_backend::DeviceSettings;
pub use closures::{
    derivatives::{grad, hessian, hvp, jacobian, jvp, linearize, value_and_grad, vjp},
    function::Function,
    linear_map::Linear,
    module_tensors::{ModuleTensor, ModuleTensors},
    parameters::Parameters,
    tensors::{Constant, IntoTensorResult, Leaves, Tensors},
};
pub use ir::{
    error::ProgramError, error_location::ErrorLocation, half_precision::Half, program::Program,
    spec::Spec, value::without_autodiff,
};
pub use quirks::{
    bool_indexing::bool_select,
    log_likelihoods::{log_sigmoid, log_softmax},
};
pub use run::compiled::Compiled;
pub use trace::linear_map::LinearMap;
pub use transform::{
    linearize::Linearized,
    lookups::Lookup,
    mixing::Mixing,
    outer_products::{OuterProduct, OuterProducts},
};

/// The README's example, run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
