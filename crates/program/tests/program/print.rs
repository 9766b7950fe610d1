//! What a program looks like.

use backdraft_program::{Program, Spec};
use burn::tensor::{
    DType, Device, Int, Tensor, activation,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};

/// A line an operation, with what it reads, its numbers and its settings.
#[test]
fn a_whole_program() {
    let specs = [
        Spec::new([2, 4, 6, 6], DType::F32),
        Spec::new([4, 2, 3, 3], DType::F32),
        Spec::new([2, 1], DType::I64),
    ];
    let program = Program::trace(&Device::flex().settings(), &specs, |inputs| {
        let [x, w, classes] = inputs.try_into().expect("three inputs");
        let (x, w) = (Tensor::<4>::from_dispatch(x), Tensor::from_dispatch(w));
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 2);
        let halved = conv2d(x, w, None, options) * 0.5;
        let pooled = max_pool2d(halved, MaxPoolOptions::new([3, 3]).with_stride([3, 3]));
        let first = pooled.clone().slice([0..2, 1..3]);
        let rows = Tensor::cat(vec![first, pooled], 1)
            .permute([0, 2, 3, 1])
            .sum_dim(2)
            .reshape([2, 12]);
        let log_p = activation::log_softmax(rows.clamp(-1.0, 1.0), 1);
        let picked = log_p
            .clone()
            .gather(1, Tensor::<2, Int>::from_dispatch(classes));
        let (top, _) = log_p.sort_descending_with_indices(1);
        Ok(vec![
            picked.into_dispatch(),
            top.swap_dims(0, 1).into_dispatch(),
        ])
    })
    .unwrap();
    let expected = "\
program (%0: F32[2, 4, 6, 6], %1: F32[4, 2, 3, 3], %2: I64[2, 1])
  %3: F32[2, 4, 6, 6] = Conv2d(%0, %1, padding: [(1, 1), (1, 1)], groups: 2)
  %4: F32[2, 4, 6, 6] = MulScalar(%3, 0.5)
  %5: F32[2, 4, 2, 2] = MaxPool2d(%4, kernel: [3, 3], stride: [3, 3])
  %6: F32[2, 2, 2, 2] = Slice(%5, [..2, 1..3, ..2, ..2])
  %7: F32[2, 6, 2, 2] = Cat(%6, %5, dim: 1)
  %8: F32[2, 2, 2, 6] = Permute(%7, axes: [0, 2, 3, 1])
  %9: F32[2, 2, 1, 6] = SumDim(%8, dim: 2)
  %10: F32[2, 12] = Reshape(%9)
  %11: F32[2, 12] = Clamp(%10, -1, 1)
  %12: F32[2, 12] = LogSoftmax(%11, dim: 1)
  %13: F32[2, 1] = Gather(%12, %2, dim: 1)
  %14: F32[2, 12], %15: I32[2, 12] = SortWithIndices(%12, dim: 1, descending: true)
  %16: F32[12, 2] = SwapDims(%14, dims: [0, 1])
  return %13, %16";
    assert_eq!(program.to_string(), expected);
}
