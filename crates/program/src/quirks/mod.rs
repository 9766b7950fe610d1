//! Ways round faults of Burn, one a file. Each says since which version, and `docs/upstream.md` lists them.

pub(crate) mod bool_indexing;
pub(crate) mod deformable_convolution;
pub(crate) mod f64_fallback;
pub(crate) mod fusion;
mod fusion_lookup;
mod fusion_mask;
mod fusion_transpose;
pub(crate) mod interpolation;
pub(crate) mod log1p;
pub(crate) mod saturated_slopes;
pub(crate) mod saturated_softmax;
pub(crate) mod softplus;
