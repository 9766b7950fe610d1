//! Parts of a vector as views of an aligned copy.

use std::{collections::HashMap, ops::Range, sync::Arc};

use burn_backend::{DType, Shape, Slice, TensorData};
use burn_ir::{BaseOperationIr as Base, OperationIr, SelectOpIr, SliceOpIr, TensorId, TensorIr};

use crate::{Program, ProgramError};

/// Graphics devices show a part of a tensor in place where it begins a multiple of so many bytes after the tensor's beginning and ends
/// one before its end, and copy it where it does not: 512 with CUDA, 256 at most with wgpu.
const ALIGNMENT: usize = 512;
/// Parts of so many elements are copied by themselves: that takes longer than starting the copy does, and the positions in them
/// would need memory too.
const LARGE: usize = 1 << 16;

impl Program {
    /// The same function with small parts of a vector, such as the parameters in a flat one, copied by one kernel to where each
    /// can be viewed, in place of a kernel each. A part whose length is no multiple of the alignment is copied all the same.
    pub(super) fn align(self) -> Result<Self, ProgramError> {
        let mut parts: HashMap<TensorId, Vec<usize>> = HashMap::new();
        for (position, op) in self.operations.iter().enumerate() {
            if let Some((tensor, range)) = part(op)
                && range.len() < LARGE
                && !in_place(tensor, &range)
            {
                parts.entry(tensor.id).or_default().push(position);
            }
        }
        parts.retain(|_, parts| parts.len() > 1);
        let mut values = self.constant_values();
        let mut next = self.uses.len() as u64;
        let mut fresh = |len: usize, dtype: DType| {
            next += 1;
            TensorIr::uninit(TensorId::new(next - 1), Shape::new([len]), dtype)
        };
        let mut operations = Vec::with_capacity(self.operations.len());
        let mut copies: HashMap<TensorId, (TensorIr, Vec<usize>)> = HashMap::new();
        for (position, op) in self.operations.iter().enumerate() {
            let Some((tensor, range)) = part(op).filter(|(tensor, _)| {
                parts
                    .get(&tensor.id)
                    .is_some_and(|it| it.contains(&position))
            }) else {
                operations.push(op.clone());
                continue;
            };
            let positions = &parts[&tensor.id];
            let (copy, starts) = copies.entry(tensor.id).or_insert_with(|| {
                let ranges = positions.iter().filter_map(|&i| part(&self.operations[i]));
                let (indices, starts) = layout(ranges.map(|(_, range)| range), tensor.dtype);
                let dtype = DType::from(self.settings.int_dtype);
                let table = fresh(indices.len(), dtype);
                let copy = fresh(indices.len(), tensor.dtype);
                let len = indices.len();
                let data = TensorData::new(indices, [len]).convert_dtype(dtype);
                values.insert(table.id, Arc::new(data));
                operations.push(OperationIr::BaseFloat(Base::Select(SelectOpIr {
                    tensor: tensor.clone(),
                    dim: 0,
                    indices: table,
                    out: copy.clone(),
                })));
                (copy, starts)
            });
            let nth = positions.iter().position(|&i| i == position);
            let start = starts[nth.expect("it is one of them")];
            let OperationIr::BaseFloat(Base::Slice(d)) = op else {
                unreachable!("parts are slices");
            };
            operations.push(OperationIr::BaseFloat(Base::Slice(SliceOpIr {
                tensor: copy.clone(),
                ranges: vec![Slice::from(start..start + range.len())],
                out: d.out.clone(),
            })));
        }
        let (inputs, outputs) = (self.inputs, self.outputs);
        let program = Self::renumber(self.settings, inputs, operations, outputs, values)?;
        Ok(program.named(self.names))
    }
}

/// The vector that `op` takes a part of, and which.
fn part(op: &OperationIr) -> Option<(&TensorIr, Range<usize>)> {
    let OperationIr::BaseFloat(Base::Slice(d)) = op else {
        return None;
    };
    match d.ranges.as_slice() {
        [range] if range.step == 1 && d.tensor.shape.rank() == 1 => {
            Some((&d.tensor, range.to_range(d.tensor.shape[0])))
        }
        _ => None,
    }
}

fn in_place(tensor: &TensorIr, range: &Range<usize>) -> bool {
    let size = tensor.dtype.size();
    let aligned = |elements: usize| (elements * size).is_multiple_of(ALIGNMENT);
    aligned(range.start) && aligned(tensor.shape[0] - range.end)
}

/// Where each element of the copy comes from, and where in it each part begins.
fn layout(ranges: impl Iterator<Item = Range<usize>>, dtype: DType) -> (Vec<i64>, Vec<usize>) {
    let unit = ALIGNMENT / dtype.size();
    let (mut indices, mut starts) = (Vec::new(), Vec::new());
    for range in ranges {
        starts.push(indices.len());
        let last = range.end.saturating_sub(1) as i64;
        indices.extend(range.map(|i| i as i64));
        // Up to the next part, anything will do.
        indices.resize(indices.len().next_multiple_of(unit), last);
    }
    (indices, starts)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{DType, Device, Tensor, TensorData};

    use super::LARGE;
    use crate::{Program, Spec, compile::testing::on_flex};

    /// The squares of parts of a vector.
    fn squares(len: usize, ranges: &[std::ops::Range<usize>]) -> Program {
        let specs = [Spec::new([len], DType::F64)];
        let squares = Program::trace(&Device::flex().settings(), &specs, |inputs| {
            let v = Tensor::<1>::from_dispatch(inputs[0].clone());
            let part = |range: &std::ops::Range<usize>| v.clone().slice(range.clone()).square();
            Ok(ranges.iter().map(|it| part(it).into_dispatch()).collect())
        });
        squares.unwrap()
    }

    fn selects(program: &Program) -> usize {
        program.operations().filter(|name| name == "Select").count()
    }

    #[test]
    fn small_parts_are_copied_at_once() {
        let len = LARGE + 300;
        // Of these the third is where it can be viewed, and the last is large.
        let ranges = [0..3, 3..64, 64..len - 128, 100..200, 1..1, 10..10 + LARGE];
        let program = squares(len, &ranges);
        let aligned = program.clone().align().unwrap();
        assert_eq!(selects(&aligned), 1);
        let numbers: Vec<f64> = (0..len).map(|i| i as f64).collect();
        let inputs = [TensorData::new(numbers, [len])];
        assert_eq!(on_flex(&program, &inputs), on_flex(&aligned, &inputs));
        let moved: usize = aligned
            .constants
            .iter()
            .map(|(table, _)| table.shape[0])
            .sum();
        assert_eq!(
            moved,
            64 + 64 + 128,
            "three parts, each from a multiple of 64 numbers on"
        );
    }

    #[test]
    fn one_part_alone_is_left_where_it_is() {
        assert_eq!(
            selects(&squares(300, &[1..30, 64..300]).align().unwrap()),
            0
        );
    }
}
