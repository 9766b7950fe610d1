//! Runs of a program, on a device or on a backend that records or differentiates it.

mod boolean;
mod bound_program;
mod call;
pub(crate) mod capture;
pub(crate) mod compiled;
mod float;
mod int;
pub(crate) mod interpreter;
pub(crate) mod memory;
mod mixed_precision;
mod module;
mod operation;
mod panic;
mod recording;
mod replay_backend;
mod reverse;
mod views;
