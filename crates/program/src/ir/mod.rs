//! The program as a list of operations, the tensors that it is of, and what can go wrong with it.

pub(crate) mod error;
pub(crate) mod error_location;
mod print;
pub(crate) mod program;
pub(crate) mod value;
