//! Ways to a minimum, for training and for response functions alike: [`Descent`] makes steps from gradients of batches,
//! by SGD or Adam, and [`Lbfgs`] from the value and the gradient of the whole function.
//!
//! Both work on flat vectors, `Tensor<1>`, of any float type on any device, and know neither networks nor data. When to
//! stop is left to the caller, and so is what to do with a result that is not finite.
//!
//! ```
//! use backdraft_optimize::{Bounds, Lbfgs, LineSearch, Point};
//! use burn::tensor::{Device, Tensor, TensorReadError};
//!
//! // (x - 1)^2 + (y - 1)^2
//! let mut function = |theta: &Tensor<1>| -> Result<_, TensorReadError> {
//!     let apart = theta.clone() - 1.0;
//!     Ok((apart.clone().square().sum().try_into_scalar()?, apart * 2.0))
//! };
//! let theta = Tensor::zeros([2], &Device::flex());
//! let mut here = Point::at(theta, &mut function)?.expect("finite numbers");
//! let mut lbfgs = Lbfgs::default();
//! while here.norm > 1e-6 {
//!     match lbfgs.step(&here, Bounds::default(), &mut function)? {
//!         LineSearch::Lower(next) => here = next,
//!         LineSearch::Stuck | LineSearch::Endless => panic!("this function has a minimum"),
//!     }
//! }
//! let found = here.theta.into_data().try_into_vec::<f32>().unwrap();
//! assert_eq!(found, [1.0, 1.0]);
//! # Ok::<(), TensorReadError>(())
//! ```

mod descent;
mod lbfgs;
mod vector;

pub use descent::{Descent, Memory};
pub use lbfgs::{Bounds, Lbfgs, LineSearch, Point};
pub use vector::norm;
