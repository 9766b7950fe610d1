//! One batch of 128 through a 784-1024-1024-10 ReLU network with cross-entropy, in f32 on flex.

use backdraft_curvature::{Cost, CrossEntropy, LinearOperator, Model};
use backdraft_models::{Mlp, MlpConfig};
use burn::tensor::{Device, Distribution, Int, Tensor};
use divan::Bencher;

const BATCH: usize = 128;

fn main() {
    divan::main();
}

fn cost() -> Cost {
    let device = Device::flex();
    let module = MlpConfig::new(784, 10)
        .with_hidden(vec![1024, 1024])
        .init(&device);
    let x = Tensor::<2>::random([BATCH, 784], Distribution::Uniform(0.0, 1.0), &device);
    let labels: Vec<i64> = (0..BATCH as i64).map(|i| i % 10).collect();
    let labels = Tensor::<1, Int>::from_ints(labels.as_slice(), &device);
    Cost::new(
        Model::new(&module, Mlp::forward).unwrap(),
        CrossEntropy,
        x,
        labels,
    )
    .unwrap()
    .unchecked()
}

fn direction(cost: &Cost) -> Tensor<1> {
    let model = cost.model();
    Tensor::random(
        [model.dim()],
        Distribution::Normal(0.0, 1.0),
        model.device(),
    )
}

#[divan::bench]
fn grad(bencher: Bencher) {
    let cost = cost();
    bencher.bench_local(|| cost.gradient().unwrap());
}

#[divan::bench]
fn scores(bencher: Bencher) {
    let cost = cost();
    let v = direction(&cost);
    bencher.bench_local(|| cost.directional_derivatives(v.clone()).unwrap());
}

#[divan::bench]
fn gnvp(bencher: Bencher) {
    let cost = cost();
    let (operator, v) = (cost.gauss_newton().with_memory(0), direction(&cost));
    bencher.bench_local(|| operator.product(v.clone()).unwrap());
}

#[divan::bench]
fn gnvp_linear(bencher: Bencher) {
    let cost = cost();
    let (operator, v) = (cost.gauss_newton(), direction(&cost));
    bencher.bench_local(|| operator.product(v.clone()).unwrap());
}

#[divan::bench]
fn hvp(bencher: Bencher) {
    let cost = cost();
    let (operator, v) = (cost.hessian().with_memory(0), direction(&cost));
    bencher.bench_local(|| operator.product(v.clone()).unwrap());
}

#[divan::bench]
fn hvp_linear(bencher: Bencher) {
    let cost = cost();
    let (operator, v) = (cost.hessian(), direction(&cost));
    bencher.bench_local(|| operator.product(v.clone()).unwrap());
}
