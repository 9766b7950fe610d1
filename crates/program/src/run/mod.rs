//! Runs of a program, on a device or on a backend that records or differentiates it.

mod boolean;
pub(crate) mod compiled;
mod float;
mod int;
pub(crate) mod interpreter;
mod mixed_precision;
pub(crate) mod module;
pub(crate) mod panic;
mod recording;
mod reverse;
mod target;
