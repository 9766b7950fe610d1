//! Operations that this crate computes on a processor itself, because it is faster.

pub(crate) mod direct_convolution;
pub(crate) mod parallel_elementwise;
