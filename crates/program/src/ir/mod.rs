//! The program as a list of operations, the tensors that it is of, and what can go wrong with it.

pub(crate) mod environment;
pub(crate) mod error;
pub(crate) mod error_location;
pub(crate) mod half_precision;
pub(crate) mod operation;
mod print;
pub(crate) mod program;
pub(crate) mod spec;
pub(crate) mod value;
