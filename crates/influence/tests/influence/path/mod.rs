//! Paths through the parameters.

mod response;
