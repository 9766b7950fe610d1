//! The third derivative along a vector twice: closed forms, and central differences of Hessian products. In f64.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, LinearOperator, Model,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Tensor, activation},
};

const N: usize = 7;
const INPUTS: usize = 3;

fn linear(outputs: usize) -> Linear {
    let layer = LinearConfig::new(INPUTS, outputs).with_bias(false);
    double(layer.init(&device()))
}

/// `1/N sum over i of p (1 - p) (1 - 2 p) <x_i, v>^2 x_i`, batch by batch, and nothing of an L2 term.
#[test]
fn of_logistic_regression_it_is_known() {
    let x = random([N, INPUTS], 11);
    let targets: Vec<f64> = (0..N).map(|i| f64::from(u8::from(i % 3 == 0))).collect();
    let layer = linear(1);
    let model = Model::new(&layer, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let cost = Cost::new(model, BinaryCrossEntropy, x.clone(), matrix(&targets, 1)).unwrap();
    let v = numbers(INPUTS, 5);
    let (theta, rows) = (host(layer.weight.val()), host(x));
    let mut expected = vec![0.0; INPUTS];
    for row in rows.chunks(INPUTS) {
        let p = 1.0 / (1.0 + (-dot(row, &theta)).exp());
        let factor = p * (1.0 - p) * (1.0 - 2.0 * p) * dot(row, &v).powi(2) / N as f64;
        expected
            .iter_mut()
            .zip(row)
            .for_each(|(sum, x)| *sum += factor * x);
    }
    for cost in [
        cost.clone(),
        cost.clone().with_batch_size(3).unwrap(),
        cost.with_l2(0.7),
    ] {
        let found = host(cost.third_derivative(vector(&v)).unwrap());
        // A few roundings.
        assert!(relative_error(&found, &expected) < 1e-13);
    }
}

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

fn network(forward: fn(&Net, Tensor<2>) -> Tensor<2>) -> Cost {
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let net = double(Net {
        first: layer(INPUTS, 5),
        second: layer(5, 3),
    });
    let labels: Vec<i64> = (0..N as i64).map(|i| i % 3).collect();
    let model = Model::new(&net, forward).unwrap();
    Cost::new(
        model,
        CrossEntropy,
        random([N, INPUTS], 11),
        classes(&labels),
    )
    .unwrap()
}

#[test]
fn of_networks_it_is_the_derivative_of_the_hessians_product() {
    let tanh = |net: &Net, x: Tensor<2>| net.second.forward(activation::tanh(net.first.forward(x)));
    let relu = |net: &Net, x: Tensor<2>| net.second.forward(activation::relu(net.first.forward(x)));
    for forward in [tanh, relu] {
        let cost = network(forward).with_l2(0.1);
        let (theta, v) = (cost.model().theta(), random([cost.model().dim()], 23));
        let product = |share: f64| {
            let at = cost.at(theta.clone() + v.clone() * share).unwrap();
            at.hessian().apply(v.clone()).unwrap()
        };
        const H: f64 = 1e-4;
        let expected = (product(H) - product(-H)) / (2.0 * H);
        let found = cost.third_derivative(v.clone()).unwrap();
        // The square of `H`, and rounding over it.
        let error = relative_error(&host(found.clone()), &host(expected));
        assert!(error < 1e-7, "{error:e}");
        // Of second degree in the vector, and even.
        let twice = host(cost.third_derivative(v * -2.0).unwrap());
        assert!(relative_error(&twice, &host(found * 4.0)) < 1e-13);
    }
}

#[test]
fn vectors_that_do_not_fit_are_refused() {
    let cost = network(|net, x| net.second.forward(activation::tanh(net.first.forward(x))));
    let error = cost.third_derivative(random([3], 1)).err().unwrap();
    assert!(
        matches!(error, CurvatureError::Dimension { found: 3, .. }),
        "{error}"
    );
    let nan = random([cost.model().dim()], 1) * f64::NAN;
    let error = cost.third_derivative(nan).err().unwrap();
    assert!(matches!(error, CurvatureError::NotFinite { .. }), "{error}");
}
