//! Approximations of the Gauss-Newton matrix that have an inverse in closed form, one a file.

mod accumulate;
mod block;
mod coverage;
mod kronecker;
mod layout;
mod passes;
mod pull_back;
mod root;

pub use coverage::{BlockKind, BlockSummary, Coverage};
pub use kronecker::{KroneckerConfig, KroneckerFactored};
pub use root::ExampleRoot;
