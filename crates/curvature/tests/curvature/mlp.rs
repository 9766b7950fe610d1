//! A network without closed form, against matrices built row by row with Burn's own reverse mode. In f64.

use backdraft_curvature::{
    BatchOperator, BinaryCrossEntropy, Cost, CrossEntropy, CurvatureError, Damped, LinearOperator,
    Loss, Model, Scaled, SquaredError, Sum,
};
use backdraft_test_support::*;
use burn::{
    module::{Module, ModuleMapper, Param},
    nn::{Linear, LinearConfig},
    tensor::{DType, Tensor, activation},
};

const N: usize = 7;
const INPUTS: usize = 3;
const OUTPUTS: usize = 2;

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
    third: Linear,
}

impl Net {
    fn new() -> Self {
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
        double(Self {
            first: layer(INPUTS, 5),
            second: layer(5, 4),
            third: layer(4, OUTPUTS),
        })
    }

    fn relu(&self, x: Tensor<2>) -> Tensor<2> {
        let x = activation::relu(self.first.forward(x));
        self.third.forward(activation::relu(self.second.forward(x)))
    }

    fn tanh(&self, x: Tensor<2>) -> Tensor<2> {
        let x = activation::tanh(self.first.forward(x));
        self.third.forward(activation::gelu(self.second.forward(x)))
    }
}

fn inputs() -> Tensor<2> {
    random([N, INPUTS], 11)
}

fn targets() -> Tensor<2> {
    let values: Vec<f64> = numbers(N * OUTPUTS, 12)
        .iter()
        .map(|x| (x + 1.0) / 2.0)
        .collect();
    matrix(&values, OUTPUTS)
}

type Forward = fn(&Net, Tensor<2>) -> Tensor<2>;

fn cost<L: Loss>(net: &Net, forward: Forward, loss: L, targets: L::Targets) -> Cost {
    let model = Model::new(net, forward).unwrap();
    // Batches of 4 and 3.
    Cost::new(model, loss, inputs(), targets)
        .unwrap()
        .with_batch_size(4)
        .unwrap()
}

/// The Jacobian of all outputs, row by row in reverse mode: `[N * OUTPUTS][dim]`.
fn jacobian(net: &Net, forward: Forward) -> Vec<Vec<f64>> {
    let net = net.clone().train();
    let row = |i: usize, k: usize| {
        let output = forward(&net, inputs()).slice([i..i + 1, k..k + 1]);
        flat_gradients(&net, &output.sum().backward())
    };
    (0..N * OUTPUTS)
        .map(|r| row(r / OUTPUTS, r % OUTPUTS))
        .collect()
}

/// `1/N J'HJ`, dense, with `H` block diagonal: one `[OUTPUTS, OUTPUTS]` block an example.
fn dense(jacobian: &[Vec<f64>], blocks: impl Fn(usize) -> [f64; 4]) -> Vec<f64> {
    let dim = jacobian[0].len();
    let mut dense = vec![0.0; dim * dim];
    for i in 0..N {
        let h = blocks(i);
        for k in 0..OUTPUTS {
            for l in 0..OUTPUTS {
                let weight = h[k * OUTPUTS + l] / N as f64;
                for a in 0..dim {
                    for b in 0..dim {
                        dense[a * dim + b] +=
                            weight * jacobian[i * OUTPUTS + k][a] * jacobian[i * OUTPUTS + l][b];
                    }
                }
            }
        }
    }
    dense
}

fn assert_gauss_newton(cost: &Cost, dense: &[f64]) {
    let operator = cost.gauss_newton();
    let recomputing = cost.gauss_newton().with_memory(0);
    for seed in 2..5 {
        let v = numbers(operator.dim(), seed);
        let product = host(operator.apply(vector(&v)).unwrap());
        assert!(relative_error(&product, &times(dense, &v)) < 1e-9);
        // The second product with an operator runs on kept activations, to the same bits.
        assert_eq!(host(operator.apply(vector(&v)).unwrap()), product);
        assert_eq!(host(recomputing.apply(vector(&v)).unwrap()), product);
        assert!(dot(&v, &product) >= 0.0, "v'Gv < 0");
    }
}

#[test]
fn gauss_newton_is_jacobian_transposed_hessian_jacobian() {
    for forward in [Net::relu as Forward, Net::tanh as Forward] {
        let net = Net::new();
        let jacobian = jacobian(&net, forward);

        let squared = cost(&net, forward, SquaredError, targets());
        assert_gauss_newton(&squared, &dense(&jacobian, |_| [1.0, 0.0, 0.0, 1.0]));

        let outputs = host(squared.outputs().unwrap());
        let sigmoid = |i: usize, k: usize| 1.0 / (1.0 + (-outputs[i * OUTPUTS + k]).exp());
        let variance = |i: usize, k: usize| sigmoid(i, k) * (1.0 - sigmoid(i, k));
        let binary = cost(&net, forward, BinaryCrossEntropy, targets());
        assert_gauss_newton(
            &binary,
            &dense(&jacobian, |i| [variance(i, 0), 0.0, 0.0, variance(i, 1)]),
        );

        let labels = classes(&[0, 1, 1, 0, 1, 0, 0]);
        let multi = cost(&net, forward, CrossEntropy, labels);
        let p = |i: usize| 1.0 / (1.0 + (outputs[i * OUTPUTS + 1] - outputs[i * OUTPUTS]).exp());
        let blocks = |i: usize| {
            let variance = p(i) * (1.0 - p(i));
            [variance, -variance, -variance, variance]
        };
        assert_gauss_newton(&multi, &dense(&jacobian, blocks));
    }
}

/// The gradient of the mean squared error by Burn's own reverse mode, at parameters `theta`.
fn gradient(net: &Net, model: &Model, theta: &[f64]) -> Vec<f64> {
    let net = model.write(net.clone(), vector(theta)).unwrap().train();
    let error = net.tanh(inputs()) - targets();
    flat_gradients(&net, &(error.square().sum() * (0.5 / N as f64)).backward())
}

#[test]
fn hessian_is_the_derivative_of_the_gradient() {
    let net = Net::new();
    let cost = cost(&net, Net::tanh, SquaredError, targets());
    let (model, theta) = (cost.model(), host(cost.model().theta()));
    let ours = host(cost.gradient().unwrap());
    assert!(relative_error(&ours, &gradient(&net, model, &theta)) < 1e-13);

    let h = 1e-5;
    for seed in 2..5 {
        let v = numbers(theta.len(), seed);
        let moved = |sign: f64| {
            let theta: Vec<f64> = theta
                .iter()
                .zip(&v)
                .map(|(t, v)| t + sign * h * v)
                .collect();
            gradient(&net, model, &theta)
        };
        let (plus, minus) = (moved(1.0), moved(-1.0));
        let central: Vec<f64> = plus
            .iter()
            .zip(&minus)
            .map(|(p, m)| (p - m) / (2.0 * h))
            .collect();
        let product = host(cost.hessian().apply(vector(&v)).unwrap());
        // Truncation is h^2, rounding 1e-16 / h: about 1e-10 of the product.
        assert!(relative_error(&product, &central) < 1e-8);
    }
}

#[test]
fn operators_are_symmetric_and_linear() {
    let net = Net::new();
    let cost = cost(
        &net,
        Net::tanh,
        CrossEntropy,
        classes(&[0, 1, 1, 0, 1, 0, 0]),
    );
    let (g, h) = (cost.gauss_newton(), cost.hessian());
    let operators: [&dyn LinearOperator; 3] = [&g, &h, &cost.gauss_newton().damped(0.3)];
    for operator in operators {
        let (u, v) = (numbers(operator.dim(), 5), numbers(operator.dim(), 6));
        let au = host(operator.apply(vector(&u)).unwrap());
        let av = host(operator.apply(vector(&v)).unwrap());
        let (vau, uav) = (dot(&v, &au), dot(&u, &av));
        assert!(
            (vau - uav).abs() <= 1e-13 * vau.abs().max(uav.abs()).max(1e-3),
            "{vau} {uav}"
        );
        let sum: Vec<f64> = u.iter().zip(&v).map(|(u, v)| 2.0 * u - v).collect();
        let expected: Vec<f64> = au.iter().zip(&av).map(|(u, v)| 2.0 * u - v).collect();
        assert!(relative_error(&host(operator.apply(vector(&sum)).unwrap()), &expected) < 1e-13);
    }
}

#[test]
fn damping_adds_the_identity_and_batches_average_to_the_whole() {
    let net = Net::new();
    let cost = cost(&net, Net::relu, SquaredError, targets());
    let operator = cost.gauss_newton();
    let v = numbers(operator.dim(), 8);
    let product = host(operator.apply(vector(&v)).unwrap());
    let damped = host(cost.gauss_newton().damped(0.25).apply(vector(&v)).unwrap());
    let expected: Vec<f64> = product.iter().zip(&v).map(|(p, v)| p + 0.25 * v).collect();
    assert!(relative_error(&damped, &expected) < 1e-14);

    let all: Vec<usize> = (0..N).collect();
    let batch = host(operator.apply_batch(&all, vector(&v)).unwrap());
    assert!(relative_error(&batch, &product) < 1e-13);
    let mut mean = vec![0.0; v.len()];
    for i in 0..N {
        let one = host(operator.apply_batch(&[i, i], vector(&v)).unwrap());
        mean.iter_mut()
            .zip(one)
            .for_each(|(mean, x)| *mean += x / N as f64);
    }
    assert!(relative_error(&mean, &product) < 1e-13);

    // A sum's batch is a batch of both parts.
    let (hessian, some) = (cost.hessian(), [5, 0, 5]);
    let half = Scaled::new(&hessian, 0.5);
    let sum = Sum::new(&operator, half).unwrap();
    assert_eq!(sum.examples(), N);
    let found = host(sum.apply_batch(&some, vector(&v)).unwrap());
    let expected = operator.apply_batch(&some, vector(&v)).unwrap()
        + hessian.apply_batch(&some, vector(&v)).unwrap() * 0.5;
    assert_eq!(found, host(expected));
    // Several vectors at once, to the bit.
    let damped = Damped::new(&sum, 0.25);
    let vs: Vec<Vec<f64>> = (0..3).map(|i| numbers(v.len(), 9 + i)).collect();
    for k in 1..=vs.len() {
        let rows = vector(&vs[..k].concat()).reshape([k, v.len()]);
        let found = damped.apply_batch_many(&some, rows).unwrap();
        assert_eq!(found.dims(), [k, v.len()]);
        let expected = vs[..k].iter().flat_map(|v| {
            let product = damped.apply_batch(&some, vector(v)).unwrap();
            host(product)
        });
        assert_eq!(host(found), expected.collect::<Vec<_>>());
    }
    let short = vector(&v[1..]).unsqueeze_dim(0);
    let refused = operator.apply_batch_many(&some, short);
    assert!(matches!(refused, Err(CurvatureError::Dimension { .. })));

    let few = cost.select(&[0, 1]).unwrap().hessian();
    let apart = Sum::new(&operator, &few).unwrap();
    apart.apply(vector(&v)).unwrap();
    let refused = apart.apply_batch(&[0, 1], vector(&v)).unwrap_err();
    let n = cost.len();
    assert!(matches!(refused, CurvatureError::Batches { a, b: 2 } if a == n));
    let rows = vector(&v).unsqueeze_dim(0);
    let refused = apart.apply_batch_many(&[0, 1], rows);
    assert!(matches!(refused, Err(CurvatureError::Batches { .. })));
}

#[test]
fn products_at_other_parameters_are_those_of_a_model_there() {
    let net = Net::new();
    let here = cost(&net, Net::tanh, SquaredError, targets());
    let theta = numbers(here.model().dim(), 21);
    let there = here.at(vector(&theta)).unwrap();
    let moved = here.model().write(net, vector(&theta)).unwrap();
    let direct = cost(&moved, Net::tanh, SquaredError, targets());
    let v = vector(&numbers(theta.len(), 22));
    assert_eq!(
        host(there.gradient().unwrap()),
        host(direct.gradient().unwrap())
    );
    let (a, b) = (there.hessian().apply(v.clone()), direct.hessian().apply(v));
    assert_eq!(host(a.unwrap()), host(b.unwrap()));
}

#[test]
fn the_same_programs_serve_f32() {
    struct Single;
    impl ModuleMapper for Single {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(DType::F32))
        }
    }
    let net = Net::new();
    let cost64 = cost(&net, Net::relu, SquaredError, targets());
    let model = Model::new(&net.map(&mut Single), Net::relu).unwrap();
    let single = |t: Tensor<2>| t.cast(DType::F32);
    let cost32 = Cost::new(model, SquaredError, single(inputs()), single(targets())).unwrap();
    let v = numbers(cost32.model().dim(), 4);
    let v32 = vector(&v).cast(DType::F32);
    let product = host(cost32.gauss_newton().apply(v32).unwrap());
    let expected = host(cost64.gauss_newton().apply(vector(&v)).unwrap());
    assert!(relative_error(&product, &expected) < 1e-6);
}

/// The products with several vectors at once are those with one.
#[test]
fn many_vectors_share_the_work() {
    let cost = cost(
        &Net::new(),
        Net::tanh,
        CrossEntropy,
        classes(&[0, 1, 0, 0, 1, 1, 0]),
    );
    let dim = cost.model().dim();
    let rows = 3;
    let vs = random([rows, dim], 23);
    let check = |name: &str, operator: &dyn LinearOperator| {
        let many = operator.apply_many(vs.clone()).unwrap();
        assert_eq!(many.dims(), [rows, dim]);
        for row in 0..rows {
            let one = |vs: &Tensor<2>| vs.clone().slice([row..row + 1, 0..dim]).reshape([dim]);
            let single = host(operator.apply(one(&vs)).unwrap());
            assert!(relative_error(&host(one(&many)), &single) < 1e-13, "{name}");
        }
        let none = operator
            .apply_many(vs.clone().slice([0..0, 0..dim]))
            .unwrap();
        assert_eq!(none.dims(), [0, dim]);
    };
    check("Gauss-Newton", &cost.gauss_newton());
    check("Hessian", &cost.hessian().with_memory(0));
    check("Fisher", &cost.fisher());
    check("empirical Fisher", &cost.empirical_fisher());
    check("damped", &cost.gauss_newton().damped(0.1));
    let (a, b) = (cost.hessian(), cost.gauss_newton());
    check("sum", &Sum::new(Scaled::new(&a, 0.5), &b).unwrap());
    assert!(matches!(
        a.apply_many(matrix(&[0.0; 4], 2)),
        Err(CurvatureError::Dimension { .. })
    ));
}

/// All at once, a few at a time, each its own.
#[test]
fn every_example_has_its_gradient() {
    let cost = cost(&Net::new(), Net::tanh, BinaryCrossEntropy, targets());
    let dim = cost.model().dim();
    let gradients = host(cost.gradients().unwrap().reshape([N * dim]));
    let norms = host(cost.gradient_norms().unwrap());
    for example in 0..N {
        let own = host(cost.select(&[example]).unwrap().gradient().unwrap());
        let length = own.iter().map(|x| x * x).sum::<f64>().sqrt();
        // Sums of a few numbers in another order.
        let row = &gradients[example * dim..(example + 1) * dim];
        let off = row.iter().zip(&own).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) <= 1e-14 * length, "{example}");
        assert!((norms[example] - length).abs() <= 1e-14 * length);
    }
}
