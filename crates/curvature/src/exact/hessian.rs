//! The Hessian of a cost: its second derivative, `[dim, dim]`. Products are exact, by forward over reverse mode
//! (Pearlmutter 1994).

use backdraft_program::hvp;

use super::{Curvature, ExactMatrix};
use crate::{Cost, Definiteness, function::BatchFunction, trace::flat};

static HESSIAN: ExactMatrix = ExactMatrix {
    name: "the Hessian",
    product: BatchFunction::product("Hessian", |batch| {
        flat(hvp(
            |theta| batch.total(theta),
            batch.theta.clone(),
            batch.v(),
        )?)
    }),
    l2: true,
    definiteness: |_| Definiteness::Indefinite {
        instead: "use the Gauss-Newton matrix",
    },
};

impl Cost {
    /// The Hessian of the cost, `[dim, dim]`, its L2 term included (Pearlmutter 1994). Symmetric, but not positive
    /// semi-definite in general.
    pub fn hessian(&self) -> Curvature {
        Curvature::new(self.clone(), &HESSIAN)
    }
}
