//! From a user's function to a program: the operations that it calls are recorded, and the derivatives that it asks for
//! put in.

mod inline_derivatives;
pub(crate) mod linear_map;
pub(crate) mod nested_trace;
mod record;
