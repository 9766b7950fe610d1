//! Where a program looks things up by numbers that it is given.

use burn_backend::Slice;
use burn_ir::{
    BaseOperationIr as Base, ModuleOperationIr as Module, OperationIr, SliceOpIr, TensorId,
    TensorIr,
};

use crate::ir::{
    error::ProgramError,
    error_location::{ErrorLocation, place},
    operation::{index, name},
    program::Program,
};

/// A place where a program looks something up by numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// The operation's name in Burn, such as `Embedding` or `Gather`.
    pub operation: String,
    /// Where it is, if inputs have names ([`Program::trace_named`]).
    pub place: Option<ErrorLocation>,
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
        let (mut numbers, mut found) = (Vec::<TensorIr>::new(), Vec::<Lookup>::new());
        let mut operations = self.operations.clone();
        let mut next = self.uses.len() as u64;
        for (position, op) in self.operations.iter().enumerate() {
            let all = op.inputs().fold([false; 2], |all, tensor| {
                let [wanted, other] = depends[index(tensor)];
                [all[0] || wanted, all[1] || other]
            });
            for output in op.outputs() {
                depends[index(output)] = all;
            }
            let Some((indices, sizes)) = looked_up(op) else {
                continue;
            };
            if depends[index(indices)] != [true, false] {
                continue;
            }
            let coordinates = sizes.len();
            for (coordinate, len) in sizes.into_iter().enumerate() {
                let mut known = numbers.iter().zip(&found);
                if coordinates == 1 && known.any(|(it, at)| it.id == indices.id && at.len == len) {
                    continue;
                }
                found.push(Lookup {
                    operation: name(op),
                    place: place(&self.operations, position, |id| self.name_of(id)),
                    len,
                });
                numbers.push(match coordinates {
                    1 => indices.clone(),
                    _ => {
                        let (slice, out) = one_coordinate(indices, coordinate, next);
                        next += 1;
                        operations.push(slice);
                        out
                    }
                });
            }
        }
        let (inputs, values) = (self.inputs.clone(), self.constant_values());
        let program = Self::renumber(self.settings, inputs, operations, numbers, values)?;
        Ok((program.named(self.names.clone()).simplify()?, found))
    }
}

/// The operation that takes one coordinate of each of `indices`, and what it gives, number `id`.
fn one_coordinate(indices: &TensorIr, coordinate: usize, id: u64) -> (OperationIr, TensorIr) {
    let mut shape = indices.shape.clone();
    let last = shape.num_dims() - 1;
    let mut ranges: Vec<_> = shape.iter().map(|&size| Slice::from(0..size)).collect();
    ranges[last] = Slice::from(coordinate..coordinate + 1);
    shape[last] = 1;
    let out = TensorIr::uninit(TensorId::new(id), shape, indices.dtype);
    let op = Base::Slice(SliceOpIr {
        tensor: indices.clone(),
        ranges,
        out: out.clone(),
    });
    (OperationIr::BaseInt(op), out)
}

/// The numbers that an operation looks something up by, and how many there are to choose among; where they are
/// coordinates, for each.
fn looked_up(op: &OperationIr) -> Option<(&TensorIr, Vec<usize>)> {
    let coordinates = |data: &TensorIr, indices: &TensorIr| {
        let count = indices.shape[indices.shape.num_dims() - 1];
        data.shape.iter().copied().take(count).collect()
    };
    match op {
        OperationIr::BaseFloat(op) | OperationIr::BaseInt(op) | OperationIr::BaseBool(op) => {
            match op {
                Base::Gather(d) => Some((&d.indices, vec![d.tensor.shape[d.dim]])),
                Base::Scatter(d) => Some((&d.indices, vec![d.tensor.shape[d.dim]])),
                Base::Select(d) => Some((&d.indices, vec![d.tensor.shape[d.dim]])),
                Base::SelectAssign(d) => Some((&d.indices, vec![d.tensor.shape[d.dim]])),
                Base::GatherNd(d) => Some((&d.indices, coordinates(&d.data, &d.indices))),
                Base::ScatterNd(d) => Some((&d.indices, coordinates(&d.data, &d.indices))),
                _ => None,
            }
        }
        OperationIr::Module(Module::Embedding(d)) => Some((&d.indices, vec![d.weights.shape[0]])),
        _ => None,
    }
}
