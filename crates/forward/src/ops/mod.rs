//! The operations of [`Dual`](crate::Dual), one file for each of Burn's operation traits, and the
//! rules that are too long to stand in them.

mod activation;
mod binary;
mod bool;
mod deform;
mod delegate;
mod distributed;
mod elementwise;
mod float;
mod indexing;
mod int;
mod module;
mod normalization;
mod pool;
mod quantized;
mod reduction;
mod transaction;
