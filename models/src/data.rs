//! Data sets: two embedded ones, and readers for IDX folders and CSV tables.
//!
//! Every table without a test set of its own (the embedded ones and CSV files) is split the same way each time:
//! the rows are shuffled by ChaCha8 seeded with [`SPLIT_SEED`], a fifth of them (rounded down, at least one)
//! become the test set, and both parts are put back in file order.

mod dataset;
mod embedded;
mod error;
mod file;
mod idx;
mod load;
mod partition;
mod shape;
mod split;
mod standardise;
mod table;
mod tabular;
mod target;
mod task;

pub use dataset::{Dataset, ImageShape};
pub use embedded::{cancer, digits};
pub use error::{CellProblem, DataError};
pub use idx::read_idx;
pub use load::load;
pub use partition::SPLIT_SEED;
pub use shape::ExampleShape;
pub use split::{Split, Targets};
pub use standardise::{Moments, Standardisation};
pub use tabular::read_csv;
pub use task::Task;
