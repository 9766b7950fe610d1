//! How much memory a run takes.

use burn_ir::{BaseOperationIr as Base, OperationIr, TensorIr};

use crate::ir::{operation::index, program::Program, spec::spec};

impl Program {
    /// Most bytes of results of operations that are there at once in a run, one after another. Inputs, constants, and
    /// what an operation needs within itself come on top; results that are written over their operands come off.
    pub fn peak_bytes(&self) -> usize {
        let mut reads = self.uses.clone();
        // Which tensor's memory each stands in, and how much that is.
        let mut owner: Vec<usize> = (0..reads.len()).collect();
        let mut bytes = vec![0; reads.len()];
        let (mut alive, mut peak) = (0, 0);
        for op in &self.operations {
            for out in op.outputs() {
                if let Some(source) = looked_at(op) {
                    owner[index(out)] = owner[index(source)];
                    reads[owner[index(out)]] += reads[index(out)];
                } else {
                    bytes[index(out)] = spec(out).shape.num_elements() * out.dtype.size();
                    alive += bytes[index(out)];
                }
            }
            peak = peak.max(alive);
            for input in op.inputs().map(index) {
                let owner = owner[input];
                reads[owner] -= 1;
                if reads[owner] == 0 {
                    alive -= bytes[owner];
                }
            }
        }
        peak
    }
}

/// The operand of an operation whose result is another look at the same memory.
fn looked_at(op: &OperationIr) -> Option<&TensorIr> {
    match op {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            match op {
                Base::Expand(d) => Some(&d.input),
                Base::SwapDims(d) => Some(&d.input),
                Base::Permute(d) => Some(&d.input),
                _ => None,
            }
        }
        _ => None,
    }
}
