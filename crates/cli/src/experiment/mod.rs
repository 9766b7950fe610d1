//! Experiments on what influence functions answer: `decompose`, `correlate`, `sweep`, `mislabel` and `validate`.
//!
//! An experiment trains a base network and evaluates it: `backdraft::attribution` takes training examples away, one
//! removal after another, and follows each through the stages between retraining and an influence estimate. A
//! [`plan::Plan`] settles everything before any training; a [`subject::Subject`] is the trained network with the
//! training that an evaluation asks for; a [`folder::ExperimentFolder`] keeps what is done.

mod args;
mod base;
mod correlate;
mod decompose;
mod draw;
mod folder;
mod groups;
mod mislabel;
mod output;
mod plan;
mod progress;
mod response;
mod scaled;
mod solver;
mod subject;
mod sweep;
mod validate;

pub(super) use args::{Common, Correlate, Decompose, Mislabelling, Sweeping};
pub(super) use correlate::correlate;
pub(super) use decompose::decompose;
pub(super) use mislabel::mislabel;
pub(super) use sweep::sweep;
pub(super) use validate::{Validating, validate};
