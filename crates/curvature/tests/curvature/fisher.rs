//! Fisher matrices of the model's own distribution: expectations over targets, taken one target at a time. In f64.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Huber, LinearOperator, Loss, Model,
    Poisson, SquaredError, TokenCrossEntropy, TokenReduction, Weighted, to_dense,
};
use backdraft_test_support::*;
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Tensor, TensorData},
};

const N: usize = 4;
const INPUTS: usize = 3;
const OUTPUTS: usize = 2;

fn cost<L: Loss>(loss: L, targets: L::Targets) -> Cost {
    let module = double(LinearConfig::new(INPUTS, OUTPUTS).init(&device()));
    let model = Model::new(&module, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let inputs = random([N, INPUTS], 71);
    Cost::new(model, loss, inputs, targets).unwrap()
}

/// The block of the biases, `[outputs, outputs]`: for linear outputs, the mean Fisher matrix in the outputs.
fn biases(fisher: &[f64], outputs: usize) -> Vec<f64> {
    let (dim, first) = ((INPUTS + 1) * outputs, INPUTS * outputs);
    let of = |i: usize, j: usize| fisher[(first + i) * dim + first + j];
    (0..outputs * outputs)
        .map(|k| of(k / outputs, k % outputs))
        .collect()
}

/// The mean over examples of the expectation of `g g'`, by `gradient(y, t)` for all targets `t` with their
/// probabilities.
fn expectation(
    outputs: &[f64],
    targets: impl Fn(&[f64]) -> Vec<(Vec<f64>, f64)>,
    gradient: impl Fn(&[f64], &[f64]) -> Vec<f64>,
) -> Vec<f64> {
    let mut mean = vec![0.0; OUTPUTS * OUTPUTS];
    for y in outputs.chunks(OUTPUTS) {
        for (t, probability) in targets(y) {
            let g = gradient(y, &t);
            for (k, sum) in mean.iter_mut().enumerate() {
                *sum += probability * g[k / OUTPUTS] * g[k % OUTPUTS] / N as f64;
            }
        }
    }
    mean
}

fn softmax(y: &[f64]) -> Vec<f64> {
    let total: f64 = y.iter().map(|y| y.exp()).sum();
    y.iter().map(|y| y.exp() / total).collect()
}

fn sigmoid(y: f64) -> f64 {
    1.0 / (1.0 + (-y).exp())
}

fn check(cost: &Cost, expected: &[f64], tolerance: f64) {
    let fisher = to_dense(&cost.fisher()).unwrap();
    assert!(relative_error(&biases(&fisher, OUTPUTS), expected) < tolerance);
}

fn equals_gauss_newton(cost: &Cost) {
    let v = vector(&numbers(cost.model().dim(), 72));
    let fisher = host(cost.fisher().apply(v.clone()).unwrap());
    let gauss_newton = host(cost.gauss_newton().apply(v).unwrap());
    assert!(relative_error(&fisher, &gauss_newton) < 1e-14);
}

#[test]
fn cross_entropy_expects_over_classes() {
    let cost = cost(CrossEntropy, classes(&[0, 1, 1, 0]));
    let expected = expectation(
        &host(cost.outputs().unwrap()),
        |y| vec![(vec![0.0], softmax(y)[0]), (vec![1.0], softmax(y)[1])],
        |y, t| {
            let mut g = softmax(y);
            g[t[0] as usize] -= 1.0;
            g
        },
    );
    check(&cost, &expected, 1e-13);
    equals_gauss_newton(&cost);
}

#[test]
fn binary_cross_entropy_expects_over_labels() {
    let targets = matrix(&[0.0; N * OUTPUTS], OUTPUTS);
    let cost = cost(BinaryCrossEntropy, targets);
    let expected = expectation(
        &host(cost.outputs().unwrap()),
        |y| {
            let p = [sigmoid(y[0]), sigmoid(y[1])];
            (0..4)
                .map(|k| {
                    let t = [(k % 2) as f64, (k / 2) as f64];
                    let of = |i: usize| if t[i] == 1.0 { p[i] } else { 1.0 - p[i] };
                    (t.to_vec(), of(0) * of(1))
                })
                .collect()
        },
        |y, t| vec![sigmoid(y[0]) - t[0], sigmoid(y[1]) - t[1]],
    );
    check(&cost, &expected, 1e-13);
    equals_gauss_newton(&cost);
}

#[test]
fn poisson_expects_over_counts() {
    let targets = matrix(&[1.0; N * OUTPUTS], OUTPUTS);
    let cost = cost(Poisson, targets);
    // Rates stay near one: counts above 40 have no probability left.
    let probability = |rate: f64, count: usize| {
        let factorial: f64 = (1..=count).map(|i| i as f64).product();
        rate.powi(count as i32) * (-rate).exp() / factorial
    };
    let expected = expectation(
        &host(cost.outputs().unwrap()),
        |y| {
            let (a, b) = (y[0].exp(), y[1].exp());
            let pairs = (0..40).flat_map(|i| (0..40).map(move |j| (i, j)));
            pairs
                .map(|(i, j)| {
                    let p = probability(a, i) * probability(b, j);
                    (vec![i as f64, j as f64], p)
                })
                .collect()
        },
        |y, t| vec![y[0].exp() - t[0], y[1].exp() - t[1]],
    );
    check(&cost, &expected, 1e-12);
    equals_gauss_newton(&cost);
}

#[test]
fn squared_error_and_huber_expect_over_residuals() {
    // Quadrature of the density exp(-loss) over residuals, by Simpson's rule.
    let moment = |loss: &dyn Fn(f64) -> f64, slope: &dyn Fn(f64) -> f64| {
        let (n, end) = (40_000, 60.0);
        let h = 2.0 * end / n as f64;
        let (mut total, mut square) = (0.0, 0.0);
        for i in 0..=n {
            let r = -end + h * i as f64;
            let weight = [1.0, 4.0, 2.0][if i == 0 || i == n { 0 } else { 2 - i % 2 }];
            total += weight * (-loss(r)).exp();
            square += weight * (-loss(r)).exp() * slope(r).powi(2);
        }
        square / total
    };
    let identity = |factor: f64| [factor, 0.0, 0.0, factor];
    let targets = random([N, OUTPUTS], 73);

    let squared = cost(SquaredError, targets.clone());
    check(&squared, &identity(moment(&|r| 0.5 * r * r, &|r| r)), 1e-10);
    equals_gauss_newton(&squared);

    let delta = 0.8;
    let huber = |r: f64| match r.abs() {
        small if small <= delta => 0.5 * r * r,
        large => delta * (large - 0.5 * delta),
    };
    let expected = moment(&huber, &|r| r.clamp(-delta, delta));
    check(&cost(Huber { delta }, targets), &identity(expected), 1e-9);
}

#[test]
fn weights_count_copies_and_prior_is_added() {
    let labels = classes(&[0, 1, 1, 0]);
    let plain = cost(CrossEntropy, labels.clone());
    let weighted = plain
        .with_loss(Weighted(CrossEntropy), (labels, vector(&[2.0; N])))
        .unwrap();
    let v = vector(&numbers(plain.model().dim(), 74));
    let once = plain.fisher().apply(v.clone()).unwrap();
    let twice = weighted.fisher().apply(v.clone()).unwrap();
    assert!(relative_error(&host(twice), &host(once.clone() * 2.0)) < 1e-14);

    let prior = plain.with_l2(0.3);
    let expected = once + v.clone() * 0.3;
    assert!(relative_error(&host(prior.fisher().apply(v).unwrap()), &host(expected)) < 1e-14);
}

#[test]
fn tokens_have_a_distribution_each() {
    const TOKENS: usize = 3;
    const CLASSES: usize = 2;
    const WIDTH: usize = TOKENS * CLASSES;
    const PAD: i64 = 9;
    // How many tokens of each sequence count: the first ones.
    let counted = [3, 2, 1, 0];
    let padded = |i: usize| i % TOKENS >= counted[i / TOKENS];
    let classes: Vec<i64> = (0..N * TOKENS)
        .map(|i| if padded(i) { PAD } else { 0 })
        .collect();
    let classes = Tensor::from_data(TensorData::new(classes, [N, TOKENS]), &device());
    let module = double(LinearConfig::new(INPUTS, WIDTH).init(&device()));
    let model = Model::new(&module, |m: &Linear, x: Tensor<2>| m.forward(x)).unwrap();
    let inputs = random([N, INPUTS], 71);

    for reduction in [TokenReduction::Sum, TokenReduction::Mean] {
        let padding = Some(PAD);
        let loss = TokenCrossEntropy { padding, reduction };
        let cost = Cost::new(model.clone(), loss, inputs.clone(), classes.clone()).unwrap();
        let mut expected = vec![0.0; WIDTH * WIDTH];
        for (y, &counted) in host(cost.outputs().unwrap()).chunks(WIDTH).zip(&counted) {
            let p: Vec<Vec<f64>> = y.chunks(CLASSES).map(softmax).collect();
            // A mean's tokens count less, as weights do: by their number.
            let weight = match reduction {
                TokenReduction::Sum => 1.0,
                TokenReduction::Mean => 1.0 / counted.max(1) as f64,
            };
            // All sequences of classes, of the tokens that count.
            for drawn in 0..CLASSES.pow(counted as u32) {
                let class = |token: usize| drawn / CLASSES.pow(token as u32) % CLASSES;
                let probability: f64 = (0..counted).map(|t| p[t][class(t)]).product();
                let mut g = [0.0; WIDTH];
                for token in 0..counted {
                    for c in 0..CLASSES {
                        let hit = f64::from(u8::from(c == class(token)));
                        g[token * CLASSES + c] = p[token][c] - hit;
                    }
                }
                for (k, sum) in expected.iter_mut().enumerate() {
                    *sum += weight * probability * g[k / WIDTH] * g[k % WIDTH] / N as f64;
                }
            }
        }
        let fisher = to_dense(&cost.fisher()).unwrap();
        assert!(relative_error(&biases(&fisher, WIDTH), &expected) < 1e-13);
        equals_gauss_newton(&cost);
    }
}

#[test]
fn a_loss_without_distribution_is_refused() {
    #[derive(Clone)]
    struct Quartic;
    impl Loss for Quartic {
        type Targets = Tensor<2>;
        fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
            (outputs - targets).powi_scalar(4).sum_dim(1).squeeze_dim(1)
        }
    }
    let cost = cost(Quartic, matrix(&[0.5; N * OUTPUTS], OUTPUTS));
    let v = vector(&numbers(cost.model().dim(), 75));
    assert!(matches!(
        cost.fisher().apply(v),
        Err(CurvatureError::NoDistribution)
    ));
}
