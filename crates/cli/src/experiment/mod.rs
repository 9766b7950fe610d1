//! Experiments on what influence functions answer: `decompose`, `correlate`, `sweep` and `mislabel`.
//!
//! An experiment trains a base network, takes training examples away one removal after another, and follows each
//! through the stages between retraining and an influence estimate. A [`plan::Plan`] settles everything before any
//! training; a [`lab::Lab`] is the trained network with all that removals share; a [`stage::Stage`] finds one parameter
//! vector; a [`store::Store`] keeps what is done.

mod args;
mod bars;
mod base;
mod correlate;
mod decompose;
mod draw;
mod estimate;
mod lab;
mod method;
mod mislabel;
mod plan;
mod points;
mod respond;
mod scaled;
mod stage;
mod store;
mod sweep;

pub(super) use args::{Common, Correlate, Decompose, Mislabelling, Sweeping};
pub(super) use correlate::correlate;
pub(super) use decompose::decompose;
pub(super) use mislabel::mislabel;
pub(super) use sweep::sweep;
