//! From a user's function to a program: the operations that it calls are recorded, and the derivatives that it asks for put in.

pub(crate) mod inline_derivatives;
pub(crate) mod nested_trace;
pub(crate) mod record;
