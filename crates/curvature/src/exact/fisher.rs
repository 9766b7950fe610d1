//! The Fisher matrix of a cost, of the distribution that the model itself gives to targets, for losses that are the
//! negative logarithm of one ([`Loss::fisher_product`](crate::Loss::fisher_product)),
//!
//! ```text
//! F = 1/N sum over i of J_i' E[g g'] J_i,   g the loss's gradient in the outputs, for a target drawn from the model
//! ```
//!
//! The expectation is exact, nothing is drawn. Equal to the Gauss-Newton matrix where the outputs are the natural
//! parameters of an exponential family (Martens 2020): cross-entropy, squared error, Poisson.

use super::{Curvature, ExactMatrix};
use crate::{Cost, CurvatureError, Definiteness, function::BatchFunction};

static FISHER: ExactMatrix = ExactMatrix {
    name: "the Fisher matrix",
    product: BatchFunction::product("Fisher", |batch| {
        batch.through_outputs(|y, dy| {
            let product = batch.loss.fisher_times(y, &batch.targets, dy);
            product.ok_or(CurvatureError::NoDistribution)
        })
    }),
    l2: true,
    definiteness: |_| Definiteness::Semidefinite,
};

impl Cost {
    /// The Fisher matrix of the model's own distribution, `[dim, dim]`: `1/N sum over i of J_i' E[g g'] J_i + l2 I`,
    /// with `g` the loss's gradient in the outputs for a target drawn from the model (Martens 2020). Symmetric and
    /// positive semi-definite. Products report [`CurvatureError::NoDistribution`] for a loss that names no
    /// distribution.
    pub fn fisher(&self) -> Curvature {
        Curvature::new(self.clone(), &FISHER)
    }
}
