//! Response functions, in f64 on flex.

pub(crate) mod common;
mod descent;
mod divergence;
mod inputs;
mod objective;
mod pbrf;
mod replaced;
mod weights;
