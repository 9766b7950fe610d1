//! Inputs and targets as tensors with one row an example.

use std::fmt;

use backdraft_program::{DispatchTensor, Leaves, Tensors};
use burn::{Tensor, tensor::kind::Kind};

use crate::{RowKind, Rows};

/// What one of several tensors of examples must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Its rank, if that is known.
    pub rank: Option<usize>,
    /// Its kind of elements, if that is known.
    pub kind: Option<Kind>,
}

impl Slot {
    /// Whether a tensor may be put here.
    pub(crate) fn takes(&self, rows: &Rows) -> bool {
        let rank = self.rank.is_none_or(|rank| rank == rows.shape().num_dims());
        rank && self.kind.is_none_or(|kind| kind == rows.kind())
    }
}

/// `a float tensor of rank 2`.
impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(Kind::Float) => f.write_str("a float tensor")?,
            Some(Kind::Int) => f.write_str("an int tensor")?,
            Some(Kind::Bool) => f.write_str("a bool tensor")?,
            None => f.write_str("a tensor")?,
        }
        match self.rank {
            Some(rank) => write!(f, " of rank {rank}"),
            None => Ok(()),
        }
    }
}

/// What a network reads or a loss compares with: [`Tensors`] of any rank and kind with one row an example, of which the
/// type tells how many there are.
///
/// A `Tensor<D, K>`, or a tuple of such: pictures and their masks, tokens and segments.
pub trait Examples: Tensors {
    /// Number of tensors.
    const TENSORS: usize;

    /// What each tensor must be. Any, unless this says more.
    fn slots() -> Vec<Slot> {
        vec![Slot::default(); Self::TENSORS]
    }

    /// The tensors, in order.
    fn into_rows(self) -> Vec<Rows> {
        self.tensors().into_iter().map(Rows::from).collect()
    }

    /// The inverse of [`into_rows`](Self::into_rows): takes its tensors from the front of `rows`.
    fn from_rows(rows: &mut dyn Iterator<Item = Rows>) -> Self;
}

/// What can be had as tensors with one row an example, in order: [`Examples`], or the tensors themselves.
pub trait IntoRows {
    /// The tensors.
    fn rows(self) -> Vec<Rows>;
}

impl<X: Examples> IntoRows for X {
    fn rows(self) -> Vec<Rows> {
        self.into_rows()
    }
}

impl IntoRows for Vec<Rows> {
    fn rows(self) -> Vec<Rows> {
        self
    }
}

impl<const D: usize, K: RowKind> Examples for Tensor<D, K> {
    const TENSORS: usize = 1;

    fn slots() -> Vec<Slot> {
        vec![Slot {
            rank: Some(D),
            kind: Some(K::KIND),
        }]
    }

    fn from_rows(rows: &mut dyn Iterator<Item = Rows>) -> Self {
        let rows = rows
            .next()
            .expect("examples are given as they were taken apart");
        Tensor::from_dispatch(rows.into_dispatch())
    }
}

/// Of a rank and kind that only the model and the loss know.
impl Examples for Rows {
    const TENSORS: usize = 1;

    fn from_rows(rows: &mut dyn Iterator<Item = Rows>) -> Self {
        rows.next()
            .expect("examples are given as they were taken apart")
    }
}

impl Tensors for Rows {
    fn visit(&self, leaves: &mut Leaves) {
        leaves.push(self.clone().into_dispatch());
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        self.clone().into_dispatch().rebuild(tensors).into()
    }
}

// Tuples of different lengths have no generic.
macro_rules! tuples {
    ($($part:ident),*) => {
        impl<$($part: Examples),*> Examples for ($($part,)*) {
            const TENSORS: usize = 0 $(+ $part::TENSORS)*;

            fn slots() -> Vec<Slot> {
                [$($part::slots()),*].concat()
            }

            fn from_rows(rows: &mut dyn Iterator<Item = Rows>) -> Self {
                ($($part::from_rows(rows),)*)
            }
        }
    };
}

tuples!(A, B);
tuples!(A, B, C);
