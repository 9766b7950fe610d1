//! Tensors of a program that share memory with others.

use burn_ir::{BaseOperationIr as Base, OperationIr, TensorIr};

use crate::ir::{operation::index, program::Program};

impl Program {
    /// Whether `tensor` may share its memory with an input or a constant, without being one.
    pub(crate) fn is_view(&self, tensor: &TensorIr) -> bool {
        let mut at = index(tensor);
        let mut through = false;
        while let Some(op) = self.operations.iter().find(|op| writes(op, at)) {
            let source = match op {
                OperationIr::BaseFloat(op)
                | OperationIr::BaseInt(op)
                | OperationIr::BaseBool(op) => looked_at(op),
                _ => None,
            };
            let Some(source) = source else { return false };
            (at, through) = (index(source), true);
        }
        through
    }
}

fn writes(op: &OperationIr, tensor: usize) -> bool {
    op.outputs().any(|out| index(out) == tensor)
}

/// The operand of an operation that may give its operand's memory.
fn looked_at(op: &Base) -> Option<&TensorIr> {
    match op {
        Base::Reshape(d) | Base::Expand(d) => Some(&d.input),
        Base::SwapDims(d) => Some(&d.input),
        Base::Permute(d) => Some(&d.input),
        Base::Unfold(d) => Some(&d.input),
        Base::Slice(d) => Some(&d.tensor),
        Base::RepeatDim(d) => Some(&d.tensor),
        Base::Cast(d) => Some(&d.input),
        Base::Cat(d) if d.tensors.len() == 1 => d.tensors.first(),
        _ => None,
    }
}
