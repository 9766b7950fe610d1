//! Tables: what is read of them, and what is done to it.

mod columns;
mod csv;
mod parquet;
mod scaling;
