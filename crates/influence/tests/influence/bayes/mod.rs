//! Bayesian influence.

mod common;
mod diagnostics;
mod least_squares;
mod refusals;
mod runs;
