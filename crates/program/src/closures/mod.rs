//! Derivatives of closures of tensors, tuples and modules: what users call.

pub(crate) mod derivatives;
pub(crate) mod function;
pub(crate) mod linear_map;
pub(crate) mod module_tensors;
pub(crate) mod parameters;
mod region;
mod stage;
pub(crate) mod tensors;
