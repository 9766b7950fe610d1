//! The tests of this crate in one binary: each further one would compile the engine anew.

#[path = "../common/mod.rs"]
mod common;

mod convolve;
mod counts;
mod derivatives;
mod functions;
mod half;
mod memory;
mod modules;
mod print;
mod saturation;
mod spread;
mod zeros;
