//! The same quantities on several devices, and how far they are apart.
//!
//! A [`Sample`] is a small variant of a model of the zoo with data, the same numbers everywhere. [`measure`] computes
//! everything that Backdraft is about from it on one device, in 32 bits:
//!
//! | quantity | of |
//! |---|---|
//! | `outputs` | the network |
//! | `losses` | each training example, and the training cost |
//! | `gradient` | the training cost |
//! | `jvp` | the outputs, along a vector |
//! | `gnvp`, `hvp` | products with the Gauss-Newton matrix and the Hessian |
//! | `solution` | conjugate gradients on the damped Gauss-Newton matrix, for the gradient of some examples |
//! | `scores` | every training example for that solution |
//! | `lissa` | 100 steps of LiSSA for the same gradient |
//! | `pbrf` | how the parameters change in the proximal Bregman response to less weight of those: 20 descent steps |
//!
//! [`QuantityValues::compare`] holds one device's against another's. The error is `||a - b|| / ||b||`, in the Euclidean
//! norm. Devices round alike, to 2^-24, but sum in other orders and have functions of their own; [`Quantity::bound`]
//! says what that may come to.

mod measure;
mod quantity;
mod sample;

pub use measure::{ComparisonError, QuantityValues, measure};
pub use quantity::Quantity;
pub use sample::Sample;
