//! The tests of this crate in one binary: each further one would compile the engine anew.

mod common;

mod counts;
mod derivatives;
mod direct_convolution;
mod failures;
mod functions;
mod layout;
mod memory;
mod mixed_precision;
mod modules;
mod parallel_elementwise;
mod places;
mod print;
mod quotients;
mod recompute;
mod saturation;
mod vectorize;
mod zeros;
