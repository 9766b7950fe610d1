//! Ways round faults of Burn, one a file: what is wrong, in which version, and the test that tells when it may go.
//! `docs/upstream.md` lists them. `device`, `materialize` and `slopes` are what several of them share.

pub(crate) mod bool_indexing;
pub(crate) mod deformable_convolution;
pub(crate) mod device;
pub(crate) mod f64_fallback;
pub(crate) mod fusion_lookup;
pub(crate) mod fusion_mask;
pub(crate) mod fusion_transpose;
pub(crate) mod gelu_slope;
pub(crate) mod grouped_convolution;
pub(crate) mod hard_sigmoid_in_f32;
pub(crate) mod interpolation;
pub(crate) mod log1p;
pub(crate) mod log_likelihoods;
pub(crate) mod log_sigmoid;
pub(crate) mod log_softmax;
pub(crate) mod materialize;
pub(crate) mod panic_messages;
pub(crate) mod powers_at_zero;
pub(crate) mod products_at_zero;
pub(crate) mod quotients;
pub(crate) mod reciprocal_in_f32;
pub(crate) mod saturated_slopes;
pub(crate) mod saturated_softmax;
pub(crate) mod sigmoid_in_f32;
pub(crate) mod slopes;
pub(crate) mod softplus;
pub(crate) mod sort_on_host;
