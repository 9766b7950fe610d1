//! Split a program into what depends on some of its inputs and what does not.

use std::collections::HashSet;

use burn_ir::{BaseOperationIr as Base, OperationIr, TensorId, TensorIr};

use crate::ir::{error::ProgramError, operation::index, program::Program, spec::spec};

/// A program in two parts, so that the first need not run again while only some inputs vary.
#[derive(Clone, Debug)]
pub struct Linearized {
    /// What does not depend on the varying inputs: `(fixed inputs) -> (kept values)`. Kept values are its results and
    /// those fixed inputs that [`varying`](Self::varying) reads.
    pub fixed: Program,
    /// The rest: `(varying inputs, kept values) -> (outputs)`.
    pub varying: Program,
    /// Bytes of the kept values that are results, not inputs.
    pub kept_bytes: usize,
}

/// Whether the operation only looks at its operand in another way.
fn is_view(op: &OperationIr) -> bool {
    matches!(
        op,
        OperationIr::BaseFloat(Base::SwapDims(_) | Base::Permute(_) | Base::Expand(_))
    )
}

fn reads(op: &OperationIr) -> Vec<TensorId> {
    op.inputs().map(|tensor| tensor.id).collect()
}

impl Program {
    /// Splits the program by dependence on the inputs `varying`. With the tangents of a [`jvp`](Program::jvp) or a
    /// Hessian-vector program as varying inputs, the second part is the linear map at a fixed point.
    ///
    /// # Errors
    /// [`ProgramError::NotDifferentiable`] if there is no such input.
    pub fn linearize(&self, varying: &[usize]) -> Result<Linearized, ProgramError> {
        let mut depends = vec![false; self.uses.len()];
        for &i in varying {
            let tensor = self.inputs.get(i).ok_or(ProgramError::NotDifferentiable {
                index: i,
                reason: "there is no such input",
            })?;
            depends[index(tensor)] = true;
        }
        let (early, late, mut free) = self.divided(&mut depends);
        let (late, views) = with_views(&early, late);
        free.extend(views);
        let late_inputs = late.iter().flat_map(OperationIr::inputs);
        let mut kept: Vec<TensorIr> = Vec::new();
        for tensor in late_inputs.chain(&self.outputs) {
            let known = depends[index(tensor)] || kept.iter().any(|other| other.id == tensor.id);
            if !known && !free.contains(&tensor.id) {
                kept.push(tensor.clone());
            }
        }
        let inputs = self.inputs.iter();
        let fixed: Vec<TensorIr> = inputs
            .filter(|tensor| !depends[index(tensor)])
            .cloned()
            .collect();
        let computed = |tensor: &&TensorIr| !fixed.iter().any(|input| input.id == tensor.id);
        let bytes = |tensor: &TensorIr| spec(tensor).shape.num_elements() * tensor.dtype.size();
        let kept_bytes = kept.iter().filter(computed).map(bytes).sum();
        let vector = varying.iter().map(|&i| self.inputs[i].clone());
        let inputs: Vec<TensorIr> = vector.chain(kept.clone()).collect();
        Ok(Linearized {
            fixed: self.part(fixed, early, kept)?,
            varying: self.part(inputs, late, self.outputs.clone())?,
            kept_bytes,
        })
    }

    /// The operations that read nothing of what is marked in `depends`, and those that do, whose outputs are marked
    /// too; and the tensors that need not be kept, because they are constants or made from nothing.
    fn divided(&self, depends: &mut [bool]) -> (Vec<OperationIr>, Vec<OperationIr>, Vec<TensorId>) {
        let (mut early, mut late) = (Vec::new(), Vec::new());
        let mut free: Vec<_> = self.constants.iter().map(|(tensor, _)| tensor.id).collect();
        for op in &self.operations {
            if op.inputs().next().is_none() {
                // A tensor made from nothing is cheaper to make again than to keep.
                free.extend(op.outputs().map(|tensor| tensor.id));
                early.push(op.clone());
                late.push(op.clone());
            } else if op.inputs().any(|tensor| depends[index(tensor)]) {
                op.outputs()
                    .for_each(|tensor| depends[index(tensor)] = true);
                late.push(op.clone());
            } else {
                early.push(op.clone());
            }
        }
        (early, late, free)
    }

    /// A program of some of the operations, simplified, whose inputs keep their names.
    fn part(
        &self,
        inputs: Vec<TensorIr>,
        operations: Vec<OperationIr>,
        outputs: Vec<TensorIr>,
    ) -> Result<Self, ProgramError> {
        let name = |tensor: &TensorIr| self.name_of(tensor.id).unwrap_or_default();
        let names = inputs.iter().map(name).collect();
        let values = self.constant_values();
        let part = Self::renumber(self.settings, inputs, operations, outputs, values)?;
        part.named(names).simplify()
    }
}

/// `late`, which also makes the views among `early` that it reads, and these views: a view is made again from what it
/// shows, for programs may do better when they see that it is one.
fn with_views(
    early: &[OperationIr],
    mut late: Vec<OperationIr>,
) -> (Vec<OperationIr>, Vec<TensorId>) {
    let mut read: HashSet<TensorId> = late.iter().flat_map(reads).collect();
    let (mut views, mut names) = (Vec::new(), Vec::new());
    for op in early.iter().rev().filter(|op| is_view(op)) {
        if op.outputs().any(|tensor| read.contains(&tensor.id)) {
            names.extend(op.outputs().map(|tensor| tensor.id));
            read.extend(reads(op));
            views.push(op.clone());
        }
    }
    // They may be views of tensors made from nothing, which can come first.
    late.sort_by_key(|op| op.inputs().next().is_some());
    let made = late.partition_point(|op| op.inputs().next().is_none());
    late.splice(made..made, views.into_iter().rev());
    (late, names)
}
