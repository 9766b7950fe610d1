//! From programs to programs: derivatives, simplification, vectorization, and parts of a program.

mod broadcast;
mod compile;
pub(crate) mod differentiate;
pub(crate) mod linearize;
pub(crate) mod lookups;
mod matmul_layout;
mod merge_convolutions;
mod mixed_precision;
pub(crate) mod mixing;
pub(crate) mod outer_products;
mod recompute;
mod simplify;
mod subprogram;
mod vectorize;
