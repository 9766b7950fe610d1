//! Response paths against closed forms, refits, folds that are known, and identities.

mod common;
mod failures;
mod folds;
mod groups;
mod logistic;
mod networks;
mod ridge;
