//! The tests of this crate in one binary: each further one would compile the engine anew.

mod common;

mod closed_form;
mod convolution;
mod cost;
mod counts;
mod finite;
mod fisher;
mod inputs;
mod layers;
mod losses;
mod mlp;
mod modules;
mod saturation;
mod shapes;
mod targets;
mod unsupported;
