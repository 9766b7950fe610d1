//! Vectorized programs against one call after the other. In f64 on flex.

mod common;
mod derivatives;
mod indexing;
mod layers;
mod operations;
mod structure;
