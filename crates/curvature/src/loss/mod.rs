//! Losses with the exact Hessian in their outputs.

mod binary_cross_entropy;
mod cross_entropy;
mod huber;
mod poisson;
mod squared_error;
mod weighted;

use burn::Tensor;

use crate::{RowKind, Rows};

pub use binary_cross_entropy::BinaryCrossEntropy;
pub use cross_entropy::CrossEntropy;
pub use huber::Huber;
pub use poisson::Poisson;
pub use squared_error::SquaredError;
pub use weighted::Weighted;

/// Targets of a batch: one or several tensors with one row an example.
pub trait Targets: Clone {
    /// The tensors, in order.
    fn into_rows(self) -> Vec<Rows>;

    /// The inverse of [`into_rows`](Self::into_rows): takes its tensors from the front of `rows`.
    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self;
}

impl<const D: usize, K: RowKind> Targets for Tensor<D, K> {
    fn into_rows(self) -> Vec<Rows> {
        vec![self.into()]
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        let rows = rows
            .next()
            .expect("targets are given as they were taken apart");
        Tensor::from_dispatch(rows.into_tensor())
    }
}

impl<A: Targets, B: Targets> Targets for (A, B) {
    fn into_rows(self) -> Vec<Rows> {
        [self.0.into_rows(), self.1.into_rows()].concat()
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        (A::from_rows(rows), B::from_rows(rows))
    }
}

/// The loss of one example, as a function of the network's outputs for it.
///
/// Written in ordinary tensor operations: it is traced and differentiated like the network itself.
pub trait Loss: Clone + 'static {
    /// What the outputs of a batch are compared with.
    type Targets: Targets;

    /// The loss of every example: `[batch]`, from outputs `[batch, outputs]`.
    fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1>;

    /// The product of every example's output Hessian with `tangents`: `[batch, outputs]`. The Hessian is that of
    /// [`per_example`](Self::per_example), unscaled, and must be positive semi-definite for a Gauss-Newton matrix to be so.
    ///
    /// `None`, the default, leaves it to the engine, which differentiates [`per_example`](Self::per_example) twice. A closed form
    /// is cheaper where outputs are wide.
    fn hessian_product(
        &self,
        outputs: Tensor<2>,
        targets: Self::Targets,
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, tangents);
        None
    }
}
