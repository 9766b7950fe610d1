//! The Gauss-Newton matrix of a cost,
//!
//! ```text
//! G = 1/N sum over i of J_i' H_i J_i
//! ```
//!
//! with `J_i` the Jacobian of example `i`'s outputs in the parameters and `H_i` its loss's Hessian in the outputs (Bae
//! et al. 2022, Section 2; Martens 2020). A product is one forward-mode and one reverse-mode pass over the same
//! activations.

use super::{Curvature, ExactMatrix};
use crate::{Cost, Definiteness, function::BatchFunction};

pub(super) static GAUSS_NEWTON: ExactMatrix = ExactMatrix {
    name: "the Gauss-Newton matrix",
    product: BatchFunction::product("Gauss-Newton", |batch| {
        batch.through_outputs(|y, dy| batch.loss_hessian(y, dy))
    }),
    l2: true,
    definiteness: |convex| match convex {
        true => Definiteness::Semidefinite,
        false => Definiteness::Indefinite {
            instead: "use a loss that is convex in the outputs (`Loss::is_convex`)",
        },
    },
};

impl Cost {
    /// The Gauss-Newton matrix of the cost, `[dim, dim]`: `1/N sum over i of J_i' H_i J_i + l2 I`, with `J_i` the
    /// Jacobian of example `i`'s outputs in the parameters and `H_i` its loss's Hessian in the outputs (Bae et al.
    /// 2022, Section 2; Martens 2020). Symmetric, and positive semi-definite for a loss that is convex in the outputs.
    pub fn gauss_newton(&self) -> Curvature {
        Curvature::new(self.clone(), &GAUSS_NEWTON)
    }
}
