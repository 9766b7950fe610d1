//! `Dual` against central differences, operation by operation, to first and second order.

mod activation;
mod assembly;
mod capture;
mod conv;
mod elementwise;
mod module;
mod reduction;
mod structure;
mod support;
mod unsupported;
