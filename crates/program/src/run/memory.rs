//! How much memory a run takes.

use burn_ir::{BaseOperationIr as Base, OperationIr, TensorIr};

use crate::ir::{operation::index, program::Program, spec::spec};

impl Program {
    /// Most bytes of results of operations that are there at once in a run, one after another. Inputs, constants, and
    /// what an operation needs within itself come on top; results that are written over their operands come off.
    pub fn peak_bytes(&self) -> usize {
        let mut live = Live::new(self.uses.clone());
        for op in &self.operations {
            for out in op.outputs() {
                live.make(index(out), memory(op, out));
            }
            op.inputs().for_each(|input| live.read(index(input)));
        }
        live.peak()
    }
}

/// Where the elements of an operation's result stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Memory {
    /// In so many bytes of their own.
    Own(usize),
    /// Where those of another tensor are.
    Of(usize),
}

/// Where the elements of `out` stand, a result of `op`.
pub(crate) fn memory(op: &OperationIr, out: &TensorIr) -> Memory {
    match looked_at(op) {
        Some(source) => Memory::Of(index(source)),
        None => Memory::Own(spec(out).shape.num_elements() * out.dtype.size()),
    }
}

/// What is there while operations run one after another.
pub(crate) struct Live {
    /// How often each tensor's memory will be read yet.
    reads: Vec<u32>,
    /// Which tensor's memory each stands in, and how much that is.
    owner: Vec<usize>,
    bytes: Vec<usize>,
    alive: usize,
    peak: usize,
}

impl Live {
    /// Of tensors that are read as often as `reads` says.
    pub fn new(reads: Vec<u32>) -> Self {
        Self {
            owner: (0..reads.len()).collect(),
            bytes: vec![0; reads.len()],
            reads,
            alive: 0,
            peak: 0,
        }
    }

    /// A result is there.
    pub fn make(&mut self, tensor: usize, memory: Memory) {
        match memory {
            Memory::Of(source) => {
                let owner = self.owner[source];
                self.owner[tensor] = owner;
                self.reads[owner] += self.reads[tensor];
            }
            // What nobody reads is gone at once.
            Memory::Own(bytes) if self.reads[tensor] == 0 => {
                self.peak = self.peak.max(self.alive + bytes);
            }
            Memory::Own(bytes) => {
                self.bytes[tensor] = bytes;
                self.alive += bytes;
                self.peak = self.peak.max(self.alive);
            }
        }
    }

    /// An operand was read.
    pub fn read(&mut self, tensor: usize) {
        let owner = self.owner[tensor];
        self.reads[owner] -= 1;
        if self.reads[owner] == 0 {
            self.alive -= self.bytes[owner];
        }
    }

    /// Most bytes that were there at once.
    pub fn peak(&self) -> usize {
        self.peak
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
