//! Inputs and targets as tensors with one row an example.

use burn::Tensor;

use crate::{RowKind, Rows};

/// What a network reads or a loss compares with: one or several tensors of any rank and kind with one row an example.
///
/// A `Tensor<D, K>`, or a tuple of such: pictures and their masks, tokens and segments.
pub trait Examples: Clone {
    /// Number of tensors.
    const TENSORS: usize;

    /// The tensors, in order.
    fn into_rows(self) -> Vec<Rows>;

    /// The inverse of [`into_rows`](Self::into_rows): takes its tensors from the front of `rows`.
    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self;
}

impl<const D: usize, K: RowKind> Examples for Tensor<D, K> {
    const TENSORS: usize = 1;

    fn into_rows(self) -> Vec<Rows> {
        vec![self.into()]
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        let rows = rows
            .next()
            .expect("examples are given as they were taken apart");
        Tensor::from_dispatch(rows.into_tensor())
    }
}

/// Of a rank and kind that only the model and the loss know.
impl Examples for Rows {
    const TENSORS: usize = 1;

    fn into_rows(self) -> Vec<Rows> {
        vec![self]
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        rows.next()
            .expect("examples are given as they were taken apart")
    }
}

impl<A: Examples, B: Examples> Examples for (A, B) {
    const TENSORS: usize = A::TENSORS + B::TENSORS;

    fn into_rows(self) -> Vec<Rows> {
        [self.0.into_rows(), self.1.into_rows()].concat()
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        (A::from_rows(rows), B::from_rows(rows))
    }
}

impl<A: Examples, B: Examples, C: Examples> Examples for (A, B, C) {
    const TENSORS: usize = A::TENSORS + B::TENSORS + C::TENSORS;

    fn into_rows(self) -> Vec<Rows> {
        [self.0.into_rows(), self.1.into_rows(), self.2.into_rows()].concat()
    }

    fn from_rows(rows: &mut std::vec::IntoIter<Rows>) -> Self {
        (A::from_rows(rows), B::from_rows(rows), C::from_rows(rows))
    }
}
