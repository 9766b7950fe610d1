//! The tests of this crate in one binary: each further one would compile the engine anew.

mod alternatives;
mod closed_form;
mod convolution;
mod cost;
mod counts;
mod finite;
mod fisher;
mod inputs;
mod kronecker;
mod lookups;
mod losses;
mod mixing;
mod mlp;
mod modules;
mod saturation;
mod shapes;
mod sharded;
mod targets;
mod third;
mod unsupported;
