//! Small problems in f64 on flex.

use backdraft_curvature::{Cost, CrossEntropy, Model, SquaredError};
use backdraft_test_support::{double, host, matrix, random, relative_error};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Device, Int, Tensor, TensorData, activation},
};

pub(crate) const N: usize = 12;
pub(crate) const INPUTS: usize = 3;
pub(crate) const DAMPING: f64 = 0.1;

pub(crate) fn norm(tensor: Tensor<1>) -> f64 {
    backdraft_test_support::norm(&host(tensor))
}

pub(crate) fn layer(inputs: usize, outputs: usize) -> Linear {
    double(LinearConfig::new(inputs, outputs).init(&Device::flex()))
}

/// Of columns that are far from each other: what is compared to first order leaves little to rounding.
pub(crate) fn inputs() -> Tensor<2> {
    let values = (0..N * INPUTS).map(|i| ((i as f64 + 1.0) * 2.7).sin());
    matrix(&values.collect::<Vec<_>>(), INPUTS)
}

pub(crate) fn linear() -> Cost {
    let model = Model::new(&layer(INPUTS, 1), |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    Cost::new(model, SquaredError, inputs(), random([N, 1], 19))
        .unwrap()
        .with_batch_size(5)
        .unwrap()
}

#[derive(Module, Debug)]
pub(crate) struct Net {
    first: Linear,
    second: Linear,
}

pub(crate) fn network() -> Cost {
    let net = Net {
        first: layer(INPUTS, 6),
        second: layer(6, 3),
    };
    let forward =
        |net: &Net, x: Tensor<2>| net.second.forward(activation::tanh(net.first.forward(x)));
    let labels: Vec<i64> = (0..N as i64).map(|i| i % 3).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [N]), &Device::flex());
    Cost::new(
        Model::new(&net, forward).unwrap(),
        CrossEntropy,
        inputs(),
        labels,
    )
    .unwrap()
}

/// Relative distance of `a` from `b`.
pub(crate) fn distance(a: &Tensor<1>, b: &Tensor<1>) -> f64 {
    relative_error(&host(a.clone()), &host(b.clone()))
}

/// A multinomial logistic regression.
pub(crate) fn classifier() -> Cost {
    let labels: Vec<i64> = (0..N as i64).map(|i| (i * i + 1) % 3).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [N]), &Device::flex());
    let model = Model::new(&layer(INPUTS, 3), |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    Cost::new(model, CrossEntropy, inputs(), labels).unwrap()
}
