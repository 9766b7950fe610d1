//! Linear models, whose curvature is known in closed form. In f64, relative error 1e-10.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, LinearOperator, Loss, Model,
    SquaredError,
};
use backdraft_test_support::*;
use burn::{
    nn::{Linear, LinearConfig},
    tensor::Tensor,
};

const N: usize = 23;
const INPUTS: usize = 4;

fn linear(outputs: usize) -> Linear {
    double(LinearConfig::new(INPUTS, outputs).init(&device()))
}

fn cost<L: Loss>(module: &Linear, loss: L, targets: L::Targets) -> Cost {
    let model = Model::new(module, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    // Batches of 10, 10 and 3.
    Cost::new(model, loss, random([N, INPUTS], 1), targets)
        .unwrap()
        .with_batch_size(10)
        .unwrap()
}

/// `1/N sum over i of (H_i kron x_i x_i')` in the order of the flat vector: weight `[inputs, outputs]`, then bias, with
/// `x_i` extended by a one.
fn dense(output_hessian: impl Fn(usize) -> Vec<f64>, outputs: usize) -> Vec<f64> {
    let x = numbers(N * INPUTS, 1);
    let dim = (INPUTS + 1) * outputs;
    let mut dense = vec![0.0; dim * dim];
    for i in 0..N {
        let h = output_hessian(i);
        let mut extended = x[i * INPUTS..(i + 1) * INPUTS].to_vec();
        extended.push(1.0);
        for a in 0..dim {
            for b in 0..dim {
                let (row, k) = (a / outputs, a % outputs);
                let (column, l) = (b / outputs, b % outputs);
                dense[a * dim + b] +=
                    extended[row] * extended[column] * h[k * outputs + l] / N as f64;
            }
        }
    }
    dense
}

fn assert_products(cost: &Cost, dense: &[f64]) {
    let (gauss_newton, hessian) = (cost.gauss_newton(), cost.hessian());
    for seed in 2..5 {
        let v = numbers(gauss_newton.dim(), seed);
        let expected = times(dense, &v);
        let g = host(gauss_newton.apply(vector(&v)).unwrap());
        let h = host(hessian.apply(vector(&v)).unwrap());
        assert!(
            relative_error(&g, &expected) < 1e-10,
            "Gauss-Newton, {:?}",
            (g, expected)
        );
        assert!(
            relative_error(&h, &expected) < 1e-10,
            "Hessian, {:?}",
            (h, expected)
        );
    }
}

#[test]
fn least_squares() {
    let outputs = 2;
    let targets = random([N, outputs], 7);
    let cost = cost(&linear(outputs), SquaredError, targets);
    assert_products(&cost, &dense(|_| vec![1.0, 0.0, 0.0, 1.0], outputs));
}

#[test]
fn binary_logistic_regression() {
    let module = linear(1);
    let targets: Vec<f64> = (0..N).map(|i| (i % 2) as f64).collect();
    let cost = cost(&module, BinaryCrossEntropy, matrix(&targets, 1));
    let logits = host(cost.outputs().unwrap());
    let p = |i: usize| 1.0 / (1.0 + (-logits[i]).exp());
    assert_products(&cost, &dense(|i| vec![p(i) * (1.0 - p(i))], 1));
}

#[test]
fn softmax_regression() {
    let outputs = 3;
    let module = linear(outputs);
    let targets: Vec<i64> = (0..N as i64).map(|i| i % 3).collect();
    let cost = cost(&module, CrossEntropy, classes(&targets));
    let logits = host(cost.outputs().unwrap());
    let hessian = |i: usize| {
        let exp: Vec<f64> = logits[i * outputs..(i + 1) * outputs]
            .iter()
            .map(|y| y.exp())
            .collect();
        let total: f64 = exp.iter().sum();
        let p: Vec<f64> = exp.iter().map(|e| e / total).collect();
        let entry = |k: usize, l: usize| {
            if k == l {
                p[k] - p[k] * p[l]
            } else {
                -p[k] * p[l]
            }
        };
        (0..outputs * outputs)
            .map(|kl| entry(kl / outputs, kl % outputs))
            .collect()
    };
    assert_products(&cost, &dense(hessian, outputs));
}

#[test]
fn values_and_gradients_are_those_of_the_mean() {
    let module = linear(1);
    let targets = numbers(N, 9);
    let cost = cost(&module, SquaredError, matrix(&targets, 1));
    let (value, gradient) = cost.value_and_gradient().unwrap();
    let (outputs, x) = (host(cost.outputs().unwrap()), numbers(N * INPUTS, 1));
    let errors: Vec<f64> = outputs.iter().zip(&targets).map(|(y, t)| y - t).collect();
    let mean = errors.iter().map(|e| 0.5 * e * e).sum::<f64>() / N as f64;
    assert!((host(value)[0] - mean).abs() < 1e-14);
    let mut expected = vec![0.0; INPUTS + 1];
    for (i, error) in errors.iter().enumerate() {
        for j in 0..INPUTS {
            expected[j] += error * x[i * INPUTS + j] / N as f64;
        }
        expected[INPUTS] += error / N as f64;
    }
    let gradient = host(gradient);
    assert!(relative_error(&gradient, &expected) < 1e-13);

    // Directional derivatives of the single losses add up to the gradient's.
    let v = numbers(INPUTS + 1, 3);
    let along: Vec<f64> = host(cost.directional_derivatives(vector(&v)).unwrap());
    assert_eq!(along.len(), N);
    let total = along.iter().sum::<f64>() / N as f64;
    assert!((total - dot(&gradient, &v)).abs() < 1e-14);
}

#[test]
fn wrong_shapes_are_errors() {
    let module = linear(1);
    let cost = cost(&module, SquaredError, random([N, 1], 9));
    let short = cost.gauss_newton().apply(vector(&[1.0, 2.0]));
    assert!(matches!(
        short,
        Err(CurvatureError::Dimension {
            expected: 5,
            found: 2
        })
    ));
    let missing = cost.select(&[0, N]);
    assert!(matches!(
        missing,
        Err(CurvatureError::Index { index: N, len: N })
    ));
    let uneven = cost.with_examples(random([2, 4], 1), random([3, 1], 1));
    assert!(matches!(
        uneven,
        Err(CurvatureError::Examples {
            inputs: 2,
            targets: 3
        })
    ));
    assert_eq!(cost.targets().unwrap()[0].len(), N);
}
