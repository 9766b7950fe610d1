//! Every layer and activation of Burn with the operators of this crate: derivatives against central differences and
//! Burn's own reverse mode, products against matrices built row by row, adjoint and symmetry identities. In f64 on
//! flex.
//!
//! A layer is one [`Row`](row::Row) of a table; what is checked is the same for all, in [`check`].

mod activation;
mod attention;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod convolution;
mod dense;
mod networks;
mod normalization;
mod pooling;
mod recurrent;
mod row;
mod unsupported;
