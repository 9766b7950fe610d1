//! The Hessian of a cost: its second derivative, `[dim, dim]`. Products are exact, by forward over reverse mode
//! (Pearlmutter 1994).

use backdraft_program::{DispatchTensor, ProgramError, hvp};

use super::{Curvature, ExactMatrix};
use crate::{
    Cost, Definiteness,
    function::BatchFunction,
    trace::{TracedBatch, flat},
};

static HESSIAN: ExactMatrix = ExactMatrix {
    name: "the Hessian",
    product: BatchFunction::product("Hessian", |batch| {
        flat(hessian_product(batch, batch.theta.clone())?)
    }),
    l2: true,
    definiteness: |_| Definiteness::Indefinite {
        instead: "use the Gauss-Newton matrix",
    },
};

/// The product of the Hessian of a batch at parameters `theta` with its vector, one tensor a parameter.
pub(crate) fn hessian_product(
    batch: &TracedBatch<'_>,
    theta: Vec<DispatchTensor>,
) -> Result<Vec<DispatchTensor>, ProgramError> {
    hvp(|theta| batch.total(theta), theta, batch.v())
}

impl Cost {
    /// The Hessian of the cost, `[dim, dim]`, its L2 term included (Pearlmutter 1994). Symmetric, but not positive
    /// semi-definite in general.
    pub fn hessian(&self) -> Curvature {
        Curvature::new(self.clone(), &HESSIAN)
    }
}
