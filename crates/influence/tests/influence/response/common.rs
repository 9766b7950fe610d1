//! Small problems in f64 on flex.

use backdraft_curvature::{Cost, CrossEntropy, Model, SquaredError};
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{Linear, LinearConfig},
    tensor::{DType, Device, Int, Tensor, TensorData, activation},
};

pub(crate) const N: usize = 12;
pub(crate) const INPUTS: usize = 3;
pub(crate) const DAMPING: f64 = 0.1;

pub(crate) fn numbers(count: usize, seed: f64) -> Vec<f64> {
    (0..count)
        .map(|i| ((i as f64 + 1.0) * (seed + 2.3)).sin())
        .collect()
}

pub(crate) fn matrix(values: &[f64], columns: usize) -> Tensor<2> {
    let shape = [values.len() / columns, columns];
    Tensor::from_data(
        TensorData::new(values.to_vec(), shape),
        (&Device::flex(), DType::F64),
    )
}

pub(crate) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

pub(crate) fn norm(tensor: Tensor<1>) -> f64 {
    host(tensor).iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// The module with weights in f64 that are the same everywhere, between -1/2 and 1/2.
pub(crate) fn double<M: Module>(module: M) -> M {
    struct Double(f64);
    impl ModuleMapper for Double {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            self.0 += 0.7;
            param.map(|tensor| {
                let (shape, columns) = (tensor.shape(), tensor.shape().num_elements());
                let values = matrix(&numbers(columns, self.0), columns) * 0.5;
                values.reshape(shape)
            })
        }
    }
    module.map(&mut Double(3.1))
}

pub(crate) fn layer(inputs: usize, outputs: usize) -> Linear {
    double(LinearConfig::new(inputs, outputs).init(&Device::flex()))
}

pub(crate) fn inputs() -> Tensor<2> {
    matrix(&numbers(N * INPUTS, 0.4), INPUTS)
}

pub(crate) fn linear() -> Cost {
    let model = Model::new(&layer(INPUTS, 1), |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    Cost::new(model, SquaredError, inputs(), matrix(&numbers(N, 1.9), 1))
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

/// A vector of the cost's parameters' size.
pub(crate) fn vector(dim: usize, seed: f64) -> Tensor<1> {
    let data = TensorData::new(numbers(dim, seed), [dim]);
    Tensor::from_data(data, (&Device::flex(), DType::F64))
}

/// Relative distance of `a` from `b`.
pub(crate) fn distance(a: &Tensor<1>, b: &Tensor<1>) -> f64 {
    norm(a.clone() - b.clone()) / norm(b.clone())
}

/// A multinomial logistic regression.
pub(crate) fn classifier() -> Cost {
    let labels: Vec<i64> = (0..N as i64).map(|i| (i * i + 1) % 3).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [N]), &Device::flex());
    let model = Model::new(&layer(INPUTS, 3), |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    Cost::new(model, CrossEntropy, inputs(), labels).unwrap()
}
