//! Ways round faults of Burn, one a file. Each says since which version, and `docs/upstream.md` lists them.

mod bool_indexing;

pub(crate) use bool_indexing::bool_gather;
pub use bool_indexing::bool_select;
