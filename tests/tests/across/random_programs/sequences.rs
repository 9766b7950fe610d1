//! Steps on tensors of three dimensions: sequences' layers.

use burn::tensor::{
    Tensor, activation, module,
    ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions},
};

use super::{
    choices::Choices,
    steps::{Step, indices},
};

pub(crate) const STEPS: [Step<3>; 8] = [
    convolution,
    convolution,
    attention,
    embedding,
    max_pool,
    mean_pool,
    normalized,
    inner,
];

fn convolution(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let x = c.tensor(there);
    let [_, channels, len] = x.dims();
    let kernel = c.fitting(there, |[_, from, size]| from == channels && size <= len);
    let Some(kernel) = kernel else { return x.sin() };
    let options = ConvOptions::new([1 + c.below(2)], [c.below(2)], [1], 1);
    module::conv1d(x, kernel, None, options) * 0.3
}

/// A linear layer's weights are a sequence's rows.
fn inner(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let x = c.tensor(there);
    let width = x.dims()[2];
    let weights = c.fitting(there, |[a, b, _]| a * b == width);
    match weights {
        Some(weights) => module::linear(x, weights.flatten(0, 1), None) * 0.4,
        None => x.sin(),
    }
}

/// As layer norm does.
fn normalized(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let x = c.tensor(there);
    let width = x.dims()[2];
    let scale = c.fitting(there, |dims| dims.iter().product::<usize>() == width);
    let scale = scale.unwrap_or(x.clone().narrow(0, 0, 1).narrow(1, 0, 1));
    module::layer_norm(x, scale.reshape([width]), None, 0.3)
}

fn attention(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let query = c.tensor(there);
    let [rows, _, width] = query.dims();
    let key = c.fitting(there, |[r, _, w]| r == rows && w == width);
    let key = key.unwrap_or(query.clone());
    let len = key.dims()[1];
    let value = c.fitting(there, |[r, l, _]| r == rows && l == len);
    let scores = query.matmul(key.clone().transpose()) * 0.4;
    activation::softmax(scores, 2).matmul(value.unwrap_or(key))
}

fn embedding(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let table = c.tensor(there).flatten::<2>(0, 1);
    let rows = table.dims()[0];
    let tokens = indices(c, [2, 3], rows, &table.device());
    module::embedding(table, tokens)
}

fn max_pool(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let x = c.tensor(there);
    match x.dims()[2] {
        1 => x.cos(),
        _ => module::max_pool1d(x, MaxPoolOptions::new([2])),
    }
}

fn mean_pool(c: &mut Choices, there: &[Tensor<3>]) -> Tensor<3> {
    let x = c.tensor(there);
    match x.dims()[2] {
        1 => x.cos(),
        _ => module::avg_pool1d(x, AvgPoolOptions::new([2])),
    }
}
