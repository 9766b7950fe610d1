//! The empirical Fisher matrix of a cost: the mean outer product of the examples' gradients,
//!
//! ```text
//! F = 1/N sum over i of g_i g_i'
//! ```
//!
//! by one forward-mode and one reverse-mode pass, no gradient stored. Not the Fisher matrix of the model's own
//! distribution, which for the losses of exponential families is the Gauss-Newton matrix (Kunstner et al. 2019).

use backdraft_program::linearize;

use super::{Curvature, ExactMatrix};
use crate::{Cost, Definiteness, function::BatchFunction, trace::flat};

pub(super) static EMPIRICAL_FISHER: ExactMatrix = ExactMatrix {
    name: "the empirical Fisher matrix",
    product: BatchFunction::product("empirical Fisher", |batch| {
        // `sum over i of g_i <g_i, v>`.
        let (_, push) = linearize(|theta| batch.losses(theta), batch.theta.clone())?;
        let derivatives = push.apply(batch.v())?;
        flat(push.transpose()?.apply(derivatives * batch.scale())?)
    }),
    l2: false,
    definiteness: |_| Definiteness::Semidefinite,
};

impl Cost {
    /// The empirical Fisher matrix of the cost, `[dim, dim]`: `1/N sum over i of g_i g_i'` with `g_i` the gradient of
    /// example `i`'s loss, without the L2 term (Kunstner et al. 2019). Symmetric and positive semi-definite.
    pub fn empirical_fisher(&self) -> Curvature {
        Curvature::new(self.clone(), &EMPIRICAL_FISHER)
    }
}
