//! What an operation of Burn's IR is called, and what stands in it.

use std::fmt;

use burn_ir::{ScalarIr, TensorIr};

/// Position of a tensor of a program among its tensors.
pub(crate) fn index(tensor: &TensorIr) -> usize {
    tensor.id.value() as usize
}

/// The operation's own name in Burn's IR, such as `Matmul`.
pub(crate) fn name(op: &impl fmt::Debug) -> String {
    let text = format!("{op:?}");
    let head = text.split(" {").next().unwrap_or(&text);
    let head = head.rsplit_once('(').map_or(head, |(path, _)| path);
    head.rsplit(|c: char| !c.is_alphanumeric())
        .next()
        .unwrap_or(head)
        .into()
}

/// `scalar` as a float, if it is a number.
pub(crate) fn number(scalar: &ScalarIr) -> Option<f64> {
    match *scalar {
        ScalarIr::Float(x) => Some(x),
        ScalarIr::Int(x) => Some(x as f64),
        ScalarIr::UInt(x) => Some(x as f64),
        ScalarIr::Bool(_) => None,
    }
}
