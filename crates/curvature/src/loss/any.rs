//! Losses whose type of targets is erased.

use burn::{Tensor, tensor::Shape};

use super::Loss;
use crate::{CurvatureError, Examples, Rows, Slot};

/// A [`Loss`] whose type is erased, as a [`Cost`](crate::Cost) holds it: its targets are tensors, in order. Every loss
/// is one. Losses that are made of another, whatever its type, are written against this trait.
pub trait AnyLoss: Send + Sync {
    /// What each tensor of the targets must be.
    fn slots(&self) -> Vec<Slot>;

    /// [`Loss::check_shapes`].
    ///
    /// # Errors
    /// What is expected instead.
    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String>;

    /// [`Loss::per_example`].
    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1>;

    /// [`Loss::per_place`].
    fn place_losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Option<Tensor<2>> {
        let _ = (outputs, targets);
        None
    }

    /// [`Loss::hessian_product`].
    fn hessian_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, tangents);
        None
    }

    /// [`Loss::fisher_product`].
    fn fisher_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, tangents);
        None
    }

    /// [`Loss::hessian_root`].
    fn hessian_root_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        let _ = (outputs, targets, vectors);
        None
    }

    /// [`Loss::check`].
    ///
    /// # Errors
    /// As [`Loss::check`].
    fn inspect(&self, targets: &[Rows], outputs: usize) -> Result<(), CurvatureError> {
        let _ = (targets, outputs);
        Ok(())
    }

    /// [`Loss::is_convex`].
    fn convex(&self) -> bool {
        false
    }
}

impl<L: Loss> AnyLoss for L {
    fn slots(&self) -> Vec<Slot> {
        L::Targets::slots()
    }

    fn fits(&self, outputs: &Shape, targets: &[Shape]) -> Result<(), String> {
        self.check_shapes(outputs, targets)
    }

    fn losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Tensor<1> {
        self.per_example(outputs, typed::<L>(targets))
    }

    fn place_losses(&self, outputs: Tensor<2>, targets: &[Rows]) -> Option<Tensor<2>> {
        self.per_place(outputs, typed::<L>(targets))
    }

    fn hessian_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_product(outputs, typed::<L>(targets), tangents)
    }

    fn fisher_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        tangents: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.fisher_product(outputs, typed::<L>(targets), tangents)
    }

    fn hessian_root_times(
        &self,
        outputs: Tensor<2>,
        targets: &[Rows],
        vectors: Tensor<2>,
    ) -> Option<Tensor<2>> {
        self.hessian_root(outputs, typed::<L>(targets), vectors)
    }

    fn inspect(&self, targets: &[Rows], outputs: usize) -> Result<(), CurvatureError> {
        self.check(&typed::<L>(targets), outputs)
    }

    fn convex(&self) -> bool {
        self.is_convex()
    }
}

/// Targets in the form that the loss reads.
fn typed<L: Loss>(targets: &[Rows]) -> L::Targets {
    L::Targets::from_rows(&mut targets.iter().cloned())
}
