//! Response functions, in f64 on flex.

mod common;
mod descent;
mod divergence;
mod inputs;
mod objective;
mod pbrf;
