//! Where a program looks things up by numbers that it is given.

use burn_ir::{BaseOperationIr as Base, ModuleOperationIr as Module, OperationIr, TensorIr};

use crate::ir::{
    error::ProgramError,
    error_location::{Place, place},
    operation::{index, name},
    program::Program,
};

/// A place where a program looks something up by numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The operation's name in Burn, such as `Embedding` or `Gather`.
    pub operation: String,
    /// Where it is, if inputs have names ([`Program::trace_named`]).
    pub place: Option<Place>,
    /// How many there are to choose among: the numbers must lie between 0 and one less.
    pub len: usize,
}

impl Program {
    /// The numbers by which the program looks things up, where they are computed from the inputs `of` alone, such as
    /// the tokens that an embedding is given: a program of the same inputs that returns them, one output a lookup. No
    /// device tells in the same way that a number is out of range, and some do not tell.
    ///
    /// # Errors
    /// None for a program that was traced or derived; the type is that of all transformations.
    pub fn lookups(&self, of: &[usize]) -> Result<(Self, Vec<Lookup>), ProgramError> {
        // What each tensor depends on: the inputs asked for, and any other.
        let mut depends = vec![[false; 2]; self.uses.len()];
        for (position, input) in self.inputs.iter().enumerate() {
            depends[index(input)][usize::from(!of.contains(&position))] = true;
        }
        let (mut numbers, mut found) = (Vec::new(), Vec::new());
        for (position, op) in self.operations.iter().enumerate() {
            let all = op.inputs().fold([false; 2], |all, tensor| {
                let [wanted, other] = depends[index(tensor)];
                [all[0] || wanted, all[1] || other]
            });
            for output in op.outputs() {
                depends[index(output)] = all;
            }
            let Some((indices, len)) = looked_up(op) else {
                continue;
            };
            let known: Option<&TensorIr> = numbers
                .iter()
                .zip(&found)
                .find(|(known, lookup): &(&TensorIr, &Lookup)| {
                    known.id == indices.id && lookup.len == len
                })
                .map(|(known, _)| known);
            if depends[index(indices)] != [true, false] || known.is_some() {
                continue;
            }
            found.push(Lookup {
                operation: name(op),
                place: place(&self.operations, position, |id| self.name_of(id)),
                len,
            });
            numbers.push(indices.clone());
        }
        let values = self.constant_values();
        let (inputs, operations) = (self.inputs.clone(), self.operations.clone());
        let program = Self::renumber(self.settings, inputs, operations, numbers, values)?;
        Ok((program.named(self.names.clone()).simplify()?, found))
    }
}

/// The numbers that an operation looks something up by, and how many there are to choose among.
fn looked_up(op: &OperationIr) -> Option<(&TensorIr, usize)> {
    match op {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            match op {
                Base::Gather(d) => Some((&d.indices, d.tensor.shape[d.dim])),
                Base::Scatter(d) => Some((&d.indices, d.tensor.shape[d.dim])),
                Base::Select(d) => Some((&d.indices, d.tensor.shape[d.dim])),
                Base::SelectAssign(d) => Some((&d.indices, d.tensor.shape[d.dim])),
                _ => None,
            }
        }
        OperationIr::Module(Module::Embedding(d)) => Some((&d.indices, d.weights.shape[0])),
        _ => None,
    }
}
