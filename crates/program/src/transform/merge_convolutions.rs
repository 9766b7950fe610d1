//! Convolutions of one input as one.

use std::collections::HashMap;

use burn_backend::Slice;
use burn_ir::{
    BaseOperationIr as Base, CatOpIr, Conv2dOpIr, ModuleOperationIr as Module, OperationIr,
    SliceOpIr, TensorId, TensorIr,
};

use crate::ir::{error::ProgramError, program::Program};

impl Program {
    /// The same function with pairs of two-dimensional convolutions of the same input written as one with the channels
    /// of both, where both weights are known by the first. Forward mode has such pairs, of the weight and of its
    /// tangent. The input is read once, and a backend that writes out its patches does so once.
    pub(crate) fn merge_convolutions(self) -> Result<Self, ProgramError> {
        let partners = self.partners();
        if partners.is_empty() {
            return Ok(self);
        }
        let mut next = self.uses.len() as u64;
        let mut both = |a: &TensorIr, b: &TensorIr, dim: usize| {
            let mut shape = a.shape.clone();
            shape[dim] += b.shape[dim];
            next += 1;
            TensorIr::uninit(TensorId::new(next - 1), shape, a.dtype)
        };
        let mut operations = Vec::with_capacity(self.operations.len());
        for (position, op) in self.operations.iter().enumerate() {
            if partners.values().any(|&second| second == position) {
                continue;
            }
            let pair = partners.get(&position).and_then(|&second| {
                Some((convolution(op)?, convolution(&self.operations[second])?))
            });
            match pair {
                Some((first, second)) => operations.extend(merged(first, second, &mut both)),
                None => operations.push(op.clone()),
            }
        }
        let (values, names) = (self.constant_values(), self.names);
        let program = Self::renumber(self.settings, self.inputs, operations, self.outputs, values)?;
        Ok(program.named(names))
    }

    /// Convolutions, by their positions, with the positions of those that can be computed with them.
    fn partners(&self) -> HashMap<usize, usize> {
        let mut known: HashMap<TensorId, usize> = HashMap::new();
        for (position, op) in self.operations.iter().enumerate() {
            known.extend(op.outputs().map(|tensor| (tensor.id, position)));
        }
        let before =
            |tensor: &TensorIr, position| known.get(&tensor.id).is_none_or(|&at| at < position);
        let mut partners: HashMap<usize, usize> = HashMap::new();
        for (position, op) in self.operations.iter().enumerate() {
            let taken = partners.values().any(|&partner| partner == position);
            let Some(first) = convolution(op).filter(|_| !taken) else {
                continue;
            };
            let later = self.operations.iter().enumerate().skip(position + 1);
            let partner = later
                .filter_map(|(at, op)| Some((at, convolution(op)?)))
                .find(|(_, second)| {
                    second.x.id == first.x.id
                        && second.options == first.options
                        && second.weight.shape == first.weight.shape
                        && second.bias.is_some() == first.bias.is_some()
                        && before(&second.weight, position)
                        && second.bias.iter().all(|bias| before(bias, position))
                });
            partners.extend(partner.map(|(at, _)| (position, at)));
        }
        partners
    }
}

/// Two convolutions as one; `both` names a tensor that has room for two along a dimension.
fn merged(
    first: &Conv2dOpIr,
    second: &Conv2dOpIr,
    mut both: impl FnMut(&TensorIr, &TensorIr, usize) -> TensorIr,
) -> Vec<OperationIr> {
    let weight = both(&first.weight, &second.weight, 0);
    let mut operations = vec![cat(&first.weight, &second.weight, &weight)];
    let bias = first.bias.as_ref().zip(second.bias.as_ref()).map(|(a, b)| {
        let bias = both(a, b, 0);
        operations.push(cat(a, b, &bias));
        bias
    });
    let out = both(&first.out, &second.out, 1);
    let channels = first.out.shape[1];
    operations.push(OperationIr::Module(Module::Conv2d(Conv2dOpIr {
        weight,
        bias,
        out: out.clone(),
        ..first.clone()
    })));
    operations.push(channels_of(&out, 0..channels, &first.out));
    operations.push(channels_of(&out, channels..out.shape[1], &second.out));
    operations
}

/// The convolution that `op` is, if its groups are one.
fn convolution(op: &OperationIr) -> Option<&Conv2dOpIr> {
    match op {
        OperationIr::Module(Module::Conv2d(d)) if d.options.groups == 1 => Some(d),
        _ => None,
    }
}

fn cat(a: &TensorIr, b: &TensorIr, out: &TensorIr) -> OperationIr {
    OperationIr::BaseFloat(Base::Cat(CatOpIr {
        tensors: vec![a.clone(), b.clone()],
        dim: 0,
        out: out.clone(),
    }))
}

fn channels_of(tensor: &TensorIr, channels: std::ops::Range<usize>, out: &TensorIr) -> OperationIr {
    let mut ranges: Vec<Slice> = tensor
        .shape
        .iter()
        .map(|&size| Slice::from(0..size))
        .collect();
    ranges[1] = Slice::from(channels);
    OperationIr::BaseFloat(Base::Slice(SliceOpIr {
        tensor: tensor.clone(),
        ranges,
        out: out.clone(),
    }))
}
