//! What the tests of several crates share: numbers and tensors that are the same everywhere, modules filled with them,
//! devices and files. A helper that fails panics, where the test called it.

#[cfg(feature = "devices")]
mod devices;
mod files;
mod modules;
mod numbers;
mod tensors;

#[cfg(feature = "devices")]
pub use devices::{Graphics, ndarray, wgpu, wgpu_alone};
pub use files::{gzip, shared_data};
pub use modules::{double, flat_gradients, parameters, tracked};
pub use numbers::{assert_close, dot, norm, numbers, relative_error, solve, times};
pub use tensors::{classes, device, host, matrix, random, tensor, vector};

/// What a test comes to.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;
