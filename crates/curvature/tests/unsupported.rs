//! What cannot be differentiated is named, and so is the parameter that it comes after.

mod common;

use backdraft_curvature::{Cost, CurvatureError, LinearOperator, Model, SquaredError};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{
        Distribution, Tensor, activation,
        ops::{GridSampleOptions, InterpolateMode},
    },
};
use common::*;

#[derive(Module, Debug)]
struct Net {
    blocks: Vec<Linear>,
    head: Linear,
}

impl Net {
    fn new() -> Self {
        let linear = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        double(Self {
            blocks: vec![linear(3, 4), linear(4, 4)],
            head: linear(4, 2),
        })
    }

    fn forward(&self, x: Tensor<2>, middle: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
        let x = activation::tanh(self.blocks[0].forward(x));
        let x = middle(activation::tanh(self.blocks[1].forward(x)));
        self.head.forward(x)
    }
}

fn sampled(x: Tensor<2>) -> Tensor<2> {
    let [rows, _] = x.dims();
    let grid = x.clone().reshape([rows, 2, 1, 2]).repeat_dim(1, 2);
    let options = GridSampleOptions::new(InterpolateMode::Nearest);
    let image = x.reshape([rows, 1, 2, 2]);
    image.grid_sample_2d(grid, options).reshape([rows, 4])
}

fn noisy(x: Tensor<2>) -> Tensor<2> {
    x.clone() + x.random_like(Distribution::Default)
}

/// The text of the error of the Gauss-Newton product and of the Hessian product.
fn errors(middle: fn(Tensor<2>) -> Tensor<2>) -> [String; 2] {
    let model = Model::new(&Net::new(), move |net: &Net, x: Tensor<2>| {
        net.forward(x, middle)
    });
    let (inputs, targets) = (matrix(&numbers(15, 1), 5, 3), matrix(&numbers(10, 2), 5, 2));
    let cost = Cost::new(model.unwrap(), SquaredError, inputs, targets).unwrap();
    let v = Tensor::ones_like(&cost.model().theta());
    let products: [Result<Tensor<1>, CurvatureError>; 2] = [
        cost.gauss_newton().apply(v.clone()),
        cost.hessian().apply(v),
    ];
    products.map(|product| product.unwrap_err().to_string())
}

#[test]
fn an_operation_without_a_rule_is_placed() {
    for text in errors(sampled) {
        assert!(text.contains("downstream of `blocks.1.bias`"), "{text}");
    }
}

#[test]
fn random_numbers_are_placed() {
    for text in errors(noisy) {
        assert!(
            text.contains("`Random` (downstream of `blocks.1.bias`)"),
            "{text}"
        );
    }
}
