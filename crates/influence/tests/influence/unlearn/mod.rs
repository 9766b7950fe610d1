//! Unlearning, in f64 on flex.

mod bounds;
mod certificates;
mod common;
mod descents;
mod membership;
mod one_shot;
mod refusals;
mod tight;
