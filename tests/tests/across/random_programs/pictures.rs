//! Steps on tensors of four dimensions: pictures' layers.

use burn::tensor::{
    Tensor, module,
    ops::{
        AvgPoolOptions, ConvOptions, ConvTransposeOptions, InterpolateMode, InterpolateOptions,
        MaxPoolOptions,
    },
};

use super::{choices::Choices, steps::Step};

pub(crate) const STEPS: [Step<4>; 8] = [
    convolution,
    convolution,
    transposed,
    max_pool,
    mean_pool,
    |c, there| module::adaptive_avg_pool2d(c.tensor(there), [1 + c.below(2), 1]),
    larger,
    normalized,
];

fn convolution(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let [_, channels, height, width] = x.dims();
    let groups = [1, channels][c.below(2)];
    let kernel = c.fitting(there, |[to, from, h, w]| {
        from * groups == channels && to % groups == 0 && h <= height && w <= width
    });
    let Some(kernel) = kernel else { return x.sin() };
    let strides = [1 + c.below(2), 1 + c.below(2)];
    let options = ConvOptions::new(strides, [c.below(2), c.below(2)], [1, 1], groups);
    module::conv2d(x, kernel, None, options) * 0.2
}

fn transposed(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let [_, channels, _, _] = x.dims();
    let kernel = c.fitting(there, |[from, _, h, w]| from == channels && h * w < 10);
    let Some(kernel) = kernel else { return x.sin() };
    let stride = 1 + c.below(2);
    let options = ConvTransposeOptions::new([stride, stride], [0, 0], [0, 0], [1, 1], 1);
    module::conv_transpose2d(x, kernel, None, options) * 0.2
}

/// A side of a pool that fits.
fn side(len: usize) -> usize {
    len.min(2)
}

fn max_pool(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let [_, _, height, width] = x.dims();
    module::max_pool2d(x, MaxPoolOptions::new([side(height), side(width)]))
}

fn mean_pool(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let [_, _, height, width] = x.dims();
    module::avg_pool2d(x, AvgPoolOptions::new([side(height), side(width)]))
}

fn larger(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let options = InterpolateOptions::new(InterpolateMode::Nearest);
    module::interpolate(x, options.with_scale_factor([1.0, 2.0]))
}

/// As batch norm does.
fn normalized(c: &mut Choices, there: &[Tensor<4>]) -> Tensor<4> {
    let x = c.tensor(there);
    let mean = |x: Tensor<4>| x.mean_dim(0).mean_dim(2).mean_dim(3);
    let centred = x.clone() - mean(x);
    let variance = mean(centred.clone().square());
    centred / (variance + 0.3).sqrt()
}
