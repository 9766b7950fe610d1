//! The tests of this crate in one binary: each further one would link Burn anew.

mod batches;
mod cifar;
mod embedded;
mod idx;
mod models;
mod noise;
mod pictures;
mod resume;
mod tables;
mod text;
mod training;
mod weight_files;
mod weights;
mod workloads;
