//! Lookups that stay out of kernels of operations that they do not go with.
//!
//! - Fault: burn-fusion puts them in. Burn 0.22.1. A gather that finds one element along a dimension may enter a kernel
//!   of tensors that have more of them there, and then reads the indices of its neighbours: one loss a row, found
//!   beside a layer's activations, is another row's. And a reduction of what the kernel before it reads by indices, or
//!   of those indices, stops the fusion with a panic if it has the shape of what was found.
//! - Way round: only tensors of as many dimensions share a kernel, so such a gather is given more of them than other
//!   operations have. Such a reduction reads the same memory under another name.
//! - It may go when `gathers_agree_with_the_processor` and `lookups_beside_reductions_agree_with_the_processor` in
//!   `tests/tests/across/fused.rs` pass without it. No test tells by itself.

use std::iter;

use burn::backend::Dispatch;
use burn_backend::{
    Shape,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
};
use burn_ir::{BaseOperationIr as Base, OperationIr, TensorIr};

use crate::{
    ir::{
        environment::Env,
        error::ProgramError,
        value::Value::{self, *},
    },
    quirks::{device::fuses, materialize::materialized},
};

/// The most dimensions that a tensor may have on such a device.
const RANK: usize = 8;

type How = fn(usize, Value<Dispatch>, Value<Dispatch>) -> Value<Dispatch>;

const INDICES: &str = "indices are whole numbers";

struct IndexedRead<'a> {
    how: How,
    dim: usize,
    tensor: &'a TensorIr,
    indices: &'a TensorIr,
    out: &'a TensorIr,
}

/// Runs `op` if it is such a lookup.
pub(crate) fn special(
    e: &mut Env<Dispatch>,
    op: &OperationIr,
) -> Option<Result<Value<Dispatch>, ProgramError>> {
    let (OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op)) = op
    else {
        return None;
    };
    let (how, dim, tensor, indices, out) = match op {
        Base::Gather(d) => (gather as How, d.dim, &d.tensor, &d.indices, &d.out),
        Base::Select(d) => (select as How, d.dim, &d.tensor, &d.indices, &d.out),
        _ => return None,
    };
    let lookup = IndexedRead {
        how,
        dim,
        tensor,
        indices,
        out,
    };
    if let (Base::Gather(_), Some(more)) = (op, more(&out.shape)) {
        return fuses(e.device).then(|| Ok(lookup.apart(e, more)));
    }
    let alike = tensor.shape == out.shape || indices.shape == out.shape;
    (alike && fuses(e.device)).then(|| Ok(lookup.renamed(e)))
}

/// How many dimensions keep a gather that finds `shape` apart, if it must be.
fn more(shape: &Shape) -> Option<usize> {
    let ones = shape.iter().filter(|&&len| len == 1).count();
    // Two such gathers keep apart too, where one finds one element along more dimensions than the other.
    let rank = RANK.checked_sub(ones.checked_sub(1)?)?;
    rank.checked_sub(shape.rank())
}

impl IndexedRead<'_> {
    fn apart(&self, e: &mut Env<Dispatch>, more: usize) -> Value<Dispatch> {
        let tensor = e
            .take(self.tensor)
            .reshape(longer(&self.tensor.shape, more));
        let indices = e
            .take(self.indices)
            .reshape(longer(&self.indices.shape, more));
        let found = (self.how)(self.dim + more, tensor, indices);
        found.reshape(self.out.shape.clone())
    }

    fn renamed(&self, e: &mut Env<Dispatch>) -> Value<Dispatch> {
        let tensor = materialized(e.take(self.tensor), self.tensor.shape.clone());
        let indices = materialized(e.take(self.indices), self.indices.shape.clone());
        (self.how)(self.dim, tensor, indices)
    }
}

fn gather(dim: usize, tensor: Value<Dispatch>, indices: Value<Dispatch>) -> Value<Dispatch> {
    match (tensor, indices) {
        (Float(x), Int(i)) => Float(Dispatch::float_gather(dim, x, i)),
        (Int(x), Int(i)) => Int(Dispatch::int_gather(dim, x, i)),
        (Bool(x), Int(i)) => Bool(Dispatch::bool_gather(dim, x, i)),
        _ => panic!("{INDICES}"),
    }
}

fn select(dim: usize, tensor: Value<Dispatch>, indices: Value<Dispatch>) -> Value<Dispatch> {
    match (tensor, indices) {
        (Float(x), Int(i)) => Float(Dispatch::float_select(x, dim, i)),
        (Int(x), Int(i)) => Int(Dispatch::int_select(x, dim, i)),
        (Bool(x), Int(i)) => Bool(Dispatch::bool_select(x, dim, i)),
        _ => panic!("{INDICES}"),
    }
}

/// `shape` with as many dimensions of one element before it.
fn longer(shape: &Shape, more: usize) -> Shape {
    let ones = iter::repeat_n(1, more);
    Shape::from(ones.chain(shape.iter().copied()).collect::<Vec<_>>())
}
