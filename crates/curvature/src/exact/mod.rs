//! Exact curvature matrices, one a file: its formula, its source, and the program of its product.

mod curvature;
mod empirical_fisher;
mod fisher;
mod gauss_newton;
mod hessian;
mod kept;

use crate::{Definiteness, function::BatchFunction};

pub use curvature::Curvature;
pub(crate) use hessian::hessian_product;

/// What tells one curvature matrix from another.
pub(crate) struct ExactMatrix {
    /// What it is called.
    name: &'static str,
    /// The product with a vector.
    product: BatchFunction,
    /// Whether the cost's L2 term is part of it.
    l2: bool,
    /// Whether it has negative eigenvalues, for a loss that is convex in the outputs, or not known to be.
    definiteness: fn(convex: bool) -> Definiteness,
}

impl ExactMatrix {
    fn is_gauss_newton(&self) -> bool {
        std::ptr::eq(self, &gauss_newton::GAUSS_NEWTON)
    }

    fn is_empirical_fisher(&self) -> bool {
        std::ptr::eq(self, &empirical_fisher::EMPIRICAL_FISHER)
    }
}
