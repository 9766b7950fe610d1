//! What cannot be differentiated is named, and so is the parameter that it comes after.

use backdraft_curvature::{Cost, CurvatureError, LinearOperator, Loss, Model, SquaredError};
use backdraft_program::ProgramError;
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{
        Distribution, Tensor, activation,
        ops::{GridSampleOptions, InterpolateMode},
    },
};

/// What sampling at the nearest pixel is called in reverse and in forward mode.
const SAMPLE: [&str; 2] = ["GridSample2d", "grid_sample_2d"];

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

fn cost<L: Loss<Targets = Tensor<2>>>(
    forward: impl Fn(&Net, Tensor<2>) -> Tensor<2> + Send + Sync + 'static,
    loss: L,
) -> Cost {
    let (inputs, targets) = (random([5, 3], 1), random([5, 2], 2));
    Cost::new(
        Model::new(&Net::new(), forward).unwrap(),
        loss,
        inputs,
        targets,
    )
    .unwrap()
}

/// What the errors of the gradient, the losses' derivatives along a vector and the products say: operation and place.
fn errors(cost: &Cost) -> Vec<(String, String)> {
    let v = Tensor::ones_like(&cost.model().theta());
    let results: [Result<Tensor<1>, CurvatureError>; 5] = [
        cost.gradient(),
        cost.directional_derivatives(v.clone()),
        cost.gauss_newton().apply(v.clone()),
        cost.empirical_fisher().apply(v.clone()),
        cost.hessian().apply(v),
    ];
    let placed = |result: Result<_, _>| match result {
        Err(CurvatureError::Program(ProgramError::Unsupported {
            operation, place, ..
        })) => (operation, place.expect("parameters have names").to_string()),
        other => panic!("{other:?}"),
    };
    results.into_iter().map(placed).collect()
}

fn assert_all(errors: &[(String, String)], operations: &[&str], place: &str) {
    for (operation, found) in errors {
        assert!(operations.contains(&operation.as_str()), "{operation}");
        assert_eq!(found, place, "{operation}");
    }
}

#[test]
fn an_operation_without_a_rule_is_placed() {
    let cost = cost(|net, x| net.forward(x, sampled), SquaredError);
    assert_all(&errors(&cost), &SAMPLE, "downstream of `blocks.1.bias`");
    let text = cost.gradient().unwrap_err().to_string();
    assert!(
        text.contains("(downstream of `blocks.1.bias`) is not supported"),
        "{text}"
    );
}

#[test]
fn random_numbers_are_placed() {
    let cost = cost(|net, x| net.forward(x, noisy), SquaredError);
    assert_all(&errors(&cost), &["Random"], "downstream of `blocks.1.bias`");
}

#[test]
fn what_comes_before_all_parameters_is_placed() {
    let cost = cost(|net, x| net.forward(noisy(x), |x| x), SquaredError);
    assert_all(&errors(&cost), &["Random"], "before the first parameter");
}

/// A squared error of outputs that something is done to first.
#[derive(Clone)]
struct Through(fn(Tensor<2>) -> Tensor<2>);

impl Loss for Through {
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        SquaredError.per_example((self.0)(outputs), targets)
    }
}

#[test]
fn the_loss_is_a_place() {
    let wide = |x: Tensor<2>| sampled(x.repeat_dim(1, 2)).narrow(1, 0, 2);
    for (middle, operations) in [
        (noisy as fn(Tensor<2>) -> Tensor<2>, &["Random"][..]),
        (wide, &SAMPLE),
    ] {
        let cost = cost(|net, x| net.forward(x, |x| x), Through(middle));
        assert_all(&errors(&cost), operations, "in `loss`");
    }
    // The network is to blame for what is wrong with both.
    let cost = cost(|net, x| net.forward(x, noisy), Through(noisy));
    assert_all(&errors(&cost), &["Random"], "downstream of `blocks.1.bias`");
}
