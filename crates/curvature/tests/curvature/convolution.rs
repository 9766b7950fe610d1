//! Convolutions and pooling, forward and in both reverse passes. In f64.

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{
        Linear, LinearConfig, PaddingConfig2d,
        conv::{Conv2d, Conv2dConfig},
        pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig},
    },
    tensor::{DType, Tensor, TensorData, activation},
};

const N: usize = 5;
const SIDE: usize = 8;
const OUTPUTS: usize = 3;

#[derive(Module, Debug)]
struct Net {
    first: Conv2d,
    max: MaxPool2d,
    second: Conv2d,
    mean: AvgPool2d,
    output: Linear,
}

impl Net {
    fn new() -> Self {
        let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
        double(Self {
            first: Conv2dConfig::new([1, 2], [3, 3])
                .with_padding(padding)
                .init(&device()),
            max: MaxPool2dConfig::new([2, 2]).init(),
            second: Conv2dConfig::new([2, 3], [3, 3]).init(&device()),
            mean: AvgPool2dConfig::new([2, 2]).init(),
            output: LinearConfig::new(3, OUTPUTS).init(&device()),
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.max.forward(activation::tanh(self.first.forward(x)));
        let x = self
            .mean
            .forward(activation::sigmoid(self.second.forward(x)));
        self.output.forward(x.flatten(1, 3))
    }
}

fn cost() -> Cost {
    let data = TensorData::new(numbers(N * SIDE * SIDE, 51), [N, 1, SIDE, SIDE]);
    let x = Tensor::<4>::from_data(data, (&device(), DType::F64));
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    Cost::new(model, CrossEntropy, x, classes(&[0, 2, 1, 1, 0]))
        .unwrap()
        .with_batch_size(3)
        .unwrap()
}

/// The function of `theta` moved by `h v` and by `-h v`, as a derivative. Truncation is h^2, rounding 1e-16 / h.
fn central(cost: &Cost, v: &[f64], f: impl Fn(&Cost) -> Vec<f64>) -> Vec<f64> {
    let (h, theta) = (1e-5, host(cost.model().theta()));
    let at = |sign: f64| {
        let theta: Vec<f64> = theta.iter().zip(v).map(|(t, v)| t + sign * h * v).collect();
        f(&cost.at(vector(&theta)).unwrap())
    };
    at(1.0)
        .iter()
        .zip(at(-1.0))
        .map(|(p, m)| (p - m) / (2.0 * h))
        .collect()
}

#[test]
fn derivatives_are_central_differences() {
    let cost = cost();
    let v = numbers(cost.model().dim(), 52);
    let along = central(&cost, &v, |cost| host(cost.outputs().unwrap()));
    let (outputs, tangents) = cost.outputs_along(vector(&v)).unwrap();
    assert_eq!(host(outputs), host(cost.outputs().unwrap()));
    assert!(relative_error(&host(tangents), &along) < 1e-8);

    let losses = central(&cost, &v, |cost| host(cost.losses().unwrap()));
    let scores = host(cost.directional_derivatives(vector(&v)).unwrap());
    assert!(relative_error(&scores, &losses) < 1e-8);

    let mean = losses.iter().sum::<f64>() / N as f64;
    let gradient = host(cost.gradient().unwrap());
    assert!((dot(&gradient, &v) - mean).abs() < 1e-9);

    let second = central(&cost, &v, |cost| host(cost.gradient().unwrap()));
    let product = host(cost.hessian().apply(vector(&v)).unwrap());
    assert!(relative_error(&product, &second) < 1e-7);
}

#[test]
fn the_gauss_newton_product_is_assembled_from_outputs() {
    // u'Gv = 1/N sum over i of (J u)' H (J v), from forward mode alone.
    let cost = cost();
    let (u, v) = (
        numbers(cost.model().dim(), 53),
        numbers(cost.model().dim(), 54),
    );
    let (outputs, ju) = cost.outputs_along(vector(&u)).unwrap();
    let (_, jv) = cost.outputs_along(vector(&v)).unwrap();
    let p = activation::softmax(outputs, 1);
    let weighted = p.clone() * jv.clone() - p.clone() * (p * jv).sum_dim(1);
    let expected = host((ju * weighted).sum())[0] / N as f64;
    let product = host(cost.gauss_newton().apply(vector(&v)).unwrap());
    assert!((dot(&u, &product) - expected).abs() < 1e-13 * expected.abs().max(1.0));
}
