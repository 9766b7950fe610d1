//! Every layer and activation of Burn with the operators of this crate: derivatives against central differences and
//! Burn's own reverse mode, products against matrices built row by row, adjoint and symmetry identities. In f64 on
//! flex.
//!
//! A layer is one [`Row`](row::Row) of a table; what is checked is the same for all, in [`check`].
//!
//! A binary of its own: what a process takes for the type of floats where nothing is said, f64 here, is set once.

mod activation;
mod attention;
mod check;
mod convolution;
mod dense;
mod networks;
mod normalization;
mod pooling;
mod recurrent;
mod row;
mod unsupported;
