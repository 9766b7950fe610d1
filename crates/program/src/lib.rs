//! Functions of Burn tensors as programs: trace, gradient, jvp, vjp, linearize, simplify, run.

mod error;

pub use error::ProgramError;
