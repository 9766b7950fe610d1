//! Some operations of a program by themselves.

use std::collections::HashSet;

use burn_ir::OperationIr;

use crate::ir::{
    error::ProgramError,
    operation::{index, name},
    program::Program,
};

impl Program {
    /// The operations whose names `keep` accepts and nothing else: a program that takes what they read and returns what
    /// they compute. It says what a program's matrix products alone would cost, for example.
    ///
    /// # Errors
    /// None for a program that was traced or derived; the type is that of all transformations.
    pub fn subprogram(&self, keep: impl Fn(&str) -> bool) -> Result<Self, ProgramError> {
        let kept = |op: &&OperationIr| keep(&name(*op));
        let operations: Vec<_> = self.operations.iter().filter(kept).cloned().collect();
        let outputs: Vec<_> = operations
            .iter()
            .flat_map(|op| op.outputs().cloned().collect::<Vec<_>>())
            .collect();
        let mut known: HashSet<_> = outputs.iter().map(index).collect();
        let mut inputs = Vec::new();
        for tensor in operations.iter().flat_map(OperationIr::inputs) {
            if known.insert(index(tensor)) {
                inputs.push(tensor.clone());
            }
        }
        let read: HashSet<_> = operations
            .iter()
            .flat_map(OperationIr::inputs)
            .map(index)
            .collect();
        let results = outputs
            .into_iter()
            .filter(|tensor| !read.contains(&index(tensor)))
            .collect();
        let values = self.constant_values();
        Self::renumber(self.settings, inputs, operations, results, values)
    }
}
