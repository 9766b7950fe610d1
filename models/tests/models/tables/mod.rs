//! Tables: what is read of them, and what is done to it.

mod csv;
mod scaling;
