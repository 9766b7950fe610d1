//! Response functions, in f64 on flex.

mod common;
mod descent;
mod objective;
mod pbrf;
mod together;
