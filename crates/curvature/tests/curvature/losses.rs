//! Every loss: its closed form against the engine's own second derivative, and against central differences. In f64.

use backdraft_curvature::{
    BinaryCrossEntropy, Cost, CrossEntropy, Huber, LinearOperator, Loss, Model, Poisson, Scaled,
    SquaredError, Sum, TokenCrossEntropy, TokenReduction, Weighted,
};
use backdraft_test_support::*;
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    tensor::{Tensor, TensorData, activation},
};

const N: usize = 9;
const INPUTS: usize = 3;
const OUTPUTS: usize = 2;

/// A loss without its closed form.
#[derive(Clone)]
struct Open<L>(L);

impl<L: Loss> Loss for Open<L> {
    type Targets = L::Targets;

    fn per_example(&self, outputs: Tensor<2>, targets: Self::Targets) -> Tensor<1> {
        self.0.per_example(outputs, targets)
    }
}

#[derive(Module, Debug)]
struct Net {
    first: Linear,
    second: Linear,
}

fn model(outputs: usize) -> Model {
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device());
    let net = double(Net {
        first: layer(INPUTS, 4),
        second: layer(4, outputs),
    });
    let forward =
        |net: &Net, x: Tensor<2>| net.second.forward(activation::tanh(net.first.forward(x)));
    Model::new(&net, forward).unwrap()
}

fn inputs() -> Tensor<2> {
    random([N, INPUTS], 31)
}

/// The gradient of each example's loss, one example at a time.
fn gradients(cost: &Cost) -> Vec<Vec<f64>> {
    (0..N)
        .map(|i| host(cost.select(&[i]).unwrap().gradient().unwrap()))
        .collect()
}

fn check<L: Loss>(name: &str, loss: L, targets: L::Targets) {
    check_on(name, model(OUTPUTS), loss, targets);
}

fn check_on<L: Loss>(name: &str, model: Model, loss: L, targets: L::Targets) {
    let cost = Cost::new(model, loss.clone(), inputs(), targets.clone())
        .unwrap()
        .with_batch_size(4)
        .unwrap();
    let open = cost.with_loss(Open(loss), targets).unwrap();
    let theta = host(cost.model().theta());
    for seed in 41..43 {
        let v = numbers(theta.len(), seed);
        let closed = host(cost.gauss_newton().apply(vector(&v)).unwrap());
        let engine = host(open.gauss_newton().apply(vector(&v)).unwrap());
        assert!(
            relative_error(&closed, &engine) < 1e-13,
            "{name}: closed form"
        );

        // Truncation is h^2, rounding 1e-16 / h.
        let h = 1e-5;
        let at = |sign: f64| {
            let theta: Vec<f64> = theta
                .iter()
                .zip(&v)
                .map(|(t, v)| t + sign * h * v)
                .collect();
            host(cost.at(vector(&theta)).unwrap().gradient().unwrap())
        };
        let central: Vec<f64> = at(1.0)
            .iter()
            .zip(at(-1.0))
            .map(|(p, m)| (p - m) / (2.0 * h))
            .collect();
        let product = host(cost.hessian().apply(vector(&v)).unwrap());
        assert!(relative_error(&product, &central) < 1e-7, "{name}: Hessian");

        let mut outer = vec![0.0; v.len()];
        for g in gradients(&cost) {
            let along = dot(&g, &v) / N as f64;
            outer
                .iter_mut()
                .zip(g)
                .for_each(|(sum, g)| *sum += along * g);
        }
        let fisher = host(cost.empirical_fisher().apply(vector(&v)).unwrap());
        assert!(
            relative_error(&fisher, &outer) < 1e-12,
            "{name}: empirical Fisher"
        );
    }
}

#[test]
fn closed_forms_are_second_derivatives() {
    let numbers = numbers(N * OUTPUTS, 32);
    let real = matrix(&numbers, OUTPUTS);
    let unit: Vec<f64> = numbers.iter().map(|x| (x + 1.0) / 2.0).collect();
    let unit = matrix(&unit, OUTPUTS);
    let counts: Vec<f64> = (0..N * OUTPUTS).map(|i| (i % 4) as f64).collect();
    let labels = classes(&[0, 1, 1, 0, 1, 0, 0, 1, 1]);
    let weights = vector(&numbers[..N].iter().map(|x| x.abs()).collect::<Vec<_>>());

    check("squared error", SquaredError, real.clone());
    check("binary cross-entropy", BinaryCrossEntropy, unit);
    check("cross-entropy", CrossEntropy, labels.clone());
    check("Huber", Huber { delta: 0.7 }, real.clone());
    check("Poisson", Poisson, matrix(&counts, OUTPUTS));
    check(
        "weighted cross-entropy",
        Weighted(CrossEntropy),
        (labels, weights.clone()),
    );
    check(
        "weighted Huber",
        Weighted(Huber { delta: 0.3 }),
        (real, weights),
    );
}

/// Sequences of three tokens of two classes, with none, one, two or all of them padding.
#[test]
fn closed_forms_of_tokens_are_second_derivatives() {
    const TOKENS: usize = 3;
    const PAD: i64 = -100;
    let class = |i: usize| match i / TOKENS % 4 + i % TOKENS {
        3.. => PAD,
        _ => (i * i % 2) as i64,
    };
    let classes: Vec<i64> = (0..N * TOKENS).map(class).collect();
    assert_eq!(&classes[3 * TOKENS..4 * TOKENS], [PAD; TOKENS]);
    let padded = Tensor::from_data(TensorData::new(classes.clone(), [N, TOKENS]), &device());
    let whole: Vec<i64> = classes.iter().map(|&class| class.max(0)).collect();
    let whole = Tensor::from_data(TensorData::new(whole, [N, TOKENS]), &device());
    for reduction in [TokenReduction::Mean, TokenReduction::Sum] {
        for (padding, targets) in [(None, whole.clone()), (Some(PAD), padded.clone())] {
            let name = format!("tokens, {reduction:?}, padding {padding:?}");
            let loss = TokenCrossEntropy { padding, reduction };
            check_on(&name, model(TOKENS * OUTPUTS), loss, targets);
        }
    }
}

#[test]
fn hubers_loss_is_quadratic_then_linear() {
    let outputs = matrix(&[0.5, -0.5, 3.0, -3.0], 1);
    let losses = host(Huber { delta: 1.0 }.per_example(outputs, matrix(&[0.0; 4], 1)));
    assert_eq!(losses, [0.125, 0.125, 2.5, 2.5]);
}

#[test]
fn a_weight_counts_copies() {
    let targets = random([N, OUTPUTS], 33);
    let plain = Cost::new(model(OUTPUTS), SquaredError, inputs(), targets.clone()).unwrap();
    let mut weights = vec![1.0; N];
    weights[2] = 3.0;
    let weighted = plain
        .with_loss(Weighted(SquaredError), (targets, vector(&weights)))
        .unwrap();
    let copies: Vec<usize> = (0..N).chain([2, 2]).collect();
    let copied = plain.select(&copies).unwrap();
    let v = vector(&numbers(plain.model().dim(), 44));
    // Both are means, over N and over N + 2 examples.
    let scale = N as f64 / (N + 2) as f64;
    let (a, b) = (weighted.gauss_newton(), copied.gauss_newton());
    let product = host(Scaled::new(&a, scale).apply(v.clone()).unwrap());
    assert!(relative_error(&product, &host(b.apply(v.clone()).unwrap())) < 1e-13);

    let sum = host(Sum::new(&a, &b).unwrap().apply(v.clone()).unwrap());
    let parts = a.apply(v.clone()).unwrap() + b.apply(v).unwrap();
    assert_eq!(sum, host(parts));
    assert_eq!(weighted.targets().unwrap()[1].shape(), [N].into());
}
