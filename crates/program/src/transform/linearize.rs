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
        let mut parts: [Vec<OperationIr>; 2] = Default::default();
        let mut free: Vec<_> = self.constants.iter().map(|(tensor, _)| tensor.id).collect();
        for op in &self.operations {
            if op.inputs().next().is_none() {
                // A tensor made from nothing is cheaper to make again than to keep.
                free.extend(op.outputs().map(|tensor| tensor.id));
                parts.iter_mut().for_each(|part| part.push(op.clone()));
                continue;
            }
            let late = op.inputs().any(|tensor| depends[index(tensor)]);
            if late {
                op.outputs()
                    .for_each(|tensor| depends[index(tensor)] = true);
            }
            parts[usize::from(late)].push(op.clone());
        }
        let [early, mut late] = parts;

        // A view is made again from what it shows, for programs may do better when they see that it is one.
        let mut read: HashSet<TensorId> = late.iter().flat_map(reads).collect();
        let mut views: Vec<OperationIr> = Vec::new();
        for op in early.iter().rev().filter(|op| is_view(op)) {
            if op.outputs().any(|tensor| read.contains(&tensor.id)) {
                free.extend(op.outputs().map(|tensor| tensor.id));
                read.extend(reads(op));
                views.push(op.clone());
            }
        }
        // They may be views of tensors made from nothing, which can come first.
        late.sort_by_key(|op| op.inputs().next().is_some());
        let made = late.partition_point(|op| op.inputs().next().is_none());
        late.splice(made..made, views.into_iter().rev());

        let mut kept: Vec<TensorIr> = Vec::new();
        for tensor in late
            .iter()
            .flat_map(OperationIr::inputs)
            .chain(&self.outputs)
        {
            let known = depends[index(tensor)] || kept.iter().any(|other| other.id == tensor.id);
            if !known && !free.contains(&tensor.id) {
                kept.push(tensor.clone());
            }
        }
        let fixed: Vec<TensorIr> = self
            .inputs
            .iter()
            .filter(|tensor| !depends[index(tensor)])
            .cloned()
            .collect();
        let kept_bytes = kept
            .iter()
            .filter(|tensor| !fixed.iter().any(|input| input.id == tensor.id))
            .map(|tensor| spec(tensor).shape.num_elements() * tensor.dtype.size())
            .sum();
        let inputs: Vec<TensorIr> = varying
            .iter()
            .map(|&i| self.inputs[i].clone())
            .chain(kept.clone())
            .collect();
        let values = self.constant_values();
        let names = |inputs: &[TensorIr]| {
            let name = |tensor: &TensorIr| self.name_of(tensor.id).unwrap_or_default();
            inputs.iter().map(name).collect()
        };
        let (early_names, late_names) = (names(&fixed), names(&inputs));
        let fixed = Self::renumber(self.settings, fixed, early, kept, values.clone())?;
        let varying = Self::renumber(self.settings, inputs, late, self.outputs.clone(), values)?;
        Ok(Linearized {
            fixed: fixed.named(early_names).simplify()?,
            varying: varying.named(late_names).simplify()?,
            kept_bytes,
        })
    }
}
