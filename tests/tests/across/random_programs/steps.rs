//! Steps on tensors of any number of dimensions.

use burn::tensor::{DType, Device, Int, Tensor, TensorData};

use super::{choices::Choices, elementwise, moves, reductions};

/// Makes a tensor of those that are there. Numbers stay below ten or so where those are.
pub(crate) type Step<const D: usize> = fn(&mut Choices, &[Tensor<D>]) -> Tensor<D>;

/// The steps for any number of dimensions from two on; the simplest are first.
pub(crate) fn steps<const D: usize>() -> Vec<Step<D>> {
    let steps = [elementwise::steps(), reductions::steps(), moves::steps()];
    steps.concat()
}

/// Whether such tensors can be added.
pub(crate) fn fit(a: &[usize], b: &[usize]) -> bool {
    let mut dims = a.iter().zip(b);
    dims.all(|(a, b)| a == b || *a == 1 || *b == 1)
}

/// Indices of this shape into a dimension of `below`.
pub(crate) fn indices<const D: usize>(
    c: &mut Choices,
    dims: [usize; D],
    below: usize,
    device: &Device,
) -> Tensor<D, Int> {
    let start = c.below(below);
    let count: usize = dims.iter().product();
    let indices = (0..count).map(|i| ((start + i * i) % below) as i32);
    let data = TensorData::new(indices.collect::<Vec<_>>(), dims);
    Tensor::from_data(data, (device, DType::I32))
}
