//! Scores of changed inputs against the retrained optimum, which for ridge regression is a solve. In f64 on flex.

use backdraft_curvature::{Cost, Model, SquaredError};
use backdraft_influence::{DirectConfig, Inverse, Solver, input_scores};
use backdraft_test_support::{double, host, matrix, numbers, random};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

const N: usize = 8;
const INPUTS: usize = 3;
const L2: f64 = 0.1;

/// The ridge regression of the examples `x`, at its optimum: one Newton step from anywhere.
fn trained(x: &[f64]) -> Cost {
    let config = LinearConfig::new(INPUTS, 1);
    let module = double(config.init(&Device::flex()));
    let model = Model::new(&module, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let targets = random([N, 1], 19);
    let cost = Cost::new(model, SquaredError, matrix(x, INPUTS), targets)
        .unwrap()
        .with_l2(L2);
    let hessian = cost.hessian();
    let solver = DirectConfig::default().init().unwrap();
    let step = solver.factor(&hessian).unwrap();
    let step = step.solve(cost.gradient().unwrap()).unwrap().vector;
    cost.at(cost.model().theta() - step).unwrap()
}

#[test]
fn they_are_the_derivative_of_the_retrained_loss() {
    let x = numbers(N * INPUTS, 4);
    let cost = trained(&x);
    let test = |cost: &Cost| {
        let query = random([1, INPUTS], 52);
        cost.with_examples(query, matrix(&[0.4], 1)).unwrap()
    };
    let hessian = cost.hessian();
    let solver = DirectConfig::default().init().unwrap();
    let ready = solver.prepare(&hessian).unwrap();
    let solution = ready.solve(test(&cost).gradient().unwrap()).unwrap().vector;
    let scores: Tensor<2> = input_scores(&cost, solution).unwrap();
    assert_eq!(scores.dims(), [N, INPUTS]);
    let scores = host(scores);
    // Truncation is h^2, rounding 1e-16 / h.
    let h = 1e-5;
    for (element, score) in scores.iter().enumerate() {
        let loss = |sign: f64| {
            let mut x = x.clone();
            x[element] += sign * h;
            host(test(&trained(&x)).losses().unwrap())[0]
        };
        let change = (loss(1.0) - loss(-1.0)) / (2.0 * h);
        assert!((score - change).abs() < 1e-8 * change.abs().max(0.1));
    }
}
