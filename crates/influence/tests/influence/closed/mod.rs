//! Linear models in closed form: against refits, and the engine against them.

mod diagnostics;
mod engine;
mod least_squares;
mod logistic;
mod refusals;
