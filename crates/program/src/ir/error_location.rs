//! Where in a function an operation stands, in the words of its author: the named input that it depends on last.

use std::{collections::HashSet, fmt};

use burn_ir::{OperationIr, TensorId};

use crate::ir::operation::name;

/// Where in a function an operation was met.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorLocation {
    /// Downstream of this named input, which it depends on last: `encoder.2.linear.weight`.
    After(String),
    /// Before the function reads any of its named inputs.
    Before,
    /// In a part of the function that goes by this name.
    In(String),
}

impl fmt::Display for ErrorLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(name) => write!(f, "downstream of `{name}`"),
            Self::Before => f.write_str("before the first parameter"),
            Self::In(name) => write!(f, "in `{name}`"),
        }
    }
}

/// The named input that the operation at `position` most recently depends on.
///
/// An operation of a reverse pass depends on all that came after it in the function. It belongs where its saved values
/// were made, so of its operands the one that goes back furthest decides. An operation that reads nothing belongs where
/// it runs.
pub(crate) fn place(
    operations: &[OperationIr],
    position: usize,
    named: impl Fn(TensorId) -> Option<String>,
) -> Option<ErrorLocation> {
    let op = &operations[position];
    if op.inputs().next().is_none() {
        return last_read(&operations[..position], named);
    }
    let found = op
        .inputs()
        .filter_map(|tensor| latest(&operations[..position], tensor.id, &named));
    let found = if name(op).contains("Backward") {
        found.min_by_key(|(position, _)| *position)
    } else {
        found.max_by_key(|(position, _)| *position)
    };
    found.map(|(_, name)| ErrorLocation::After(name))
}

/// The named input that was read last.
pub(crate) fn last_read(
    operations: &[OperationIr],
    named: impl Fn(TensorId) -> Option<String>,
) -> Option<ErrorLocation> {
    let operations = operations.iter().rev();
    let last = operations.filter_map(|op| reads(op, &named)).next();
    last.map(ErrorLocation::After)
}

/// The name of the last named input among what `tensor` is computed from, and where it is read.
pub(crate) fn latest(
    operations: &[OperationIr],
    tensor: TensorId,
    named: &impl Fn(TensorId) -> Option<String>,
) -> Option<(usize, String)> {
    if let Some(name) = named(tensor) {
        return Some((operations.len(), name));
    }
    let mut wanted = HashSet::from([tensor]);
    for (position, op) in operations.iter().enumerate().rev() {
        if op.outputs().any(|tensor| wanted.contains(&tensor.id)) {
            if let Some(name) = reads(op, named) {
                return Some((position, name));
            }
            wanted.extend(op.inputs().map(|tensor| tensor.id));
        }
    }
    None
}

/// The name of the last named input among an operation's operands.
fn reads(op: &OperationIr, named: &impl Fn(TensorId) -> Option<String>) -> Option<String> {
    op.inputs().filter_map(|tensor| named(tensor.id)).last()
}
