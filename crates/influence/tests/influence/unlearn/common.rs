//! Small problems, and the numbers of where a descent comes.

use backdraft_curvature::{BinaryCrossEntropy, Cost, Loss, Model};
use backdraft_dense::DenseMatrix;
use backdraft_influence::{
    response::Removal,
    unlearn::{
        Checkpoints, DescentConfig, DescentState, LinearLoss, Regularity, ShuffledBatches,
        UnlearnError, WeightedDescent,
    },
};
use backdraft_test_support::{double, host, matrix, norm, numbers, vector};
use burn::{
    nn::{Linear, LinearConfig},
    tensor::{Device, Tensor},
};

/// `t y + c/2 y^2` of one output: with `y = theta` anything that has a constant second derivative.
#[derive(Clone, Copy, Debug)]
pub(super) struct Curved;

impl Loss for Curved {
    /// `t` and `c`.
    type Targets = Tensor<2>;

    fn per_example(&self, outputs: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
        let slope = targets.clone().narrow(1, 0, 1);
        let curvature = targets.narrow(1, 1, 1);
        let losses = slope * outputs.clone() + curvature * outputs.square() * 0.5;
        losses.squeeze_dim(1)
    }
}

/// One parameter, and an example for each slope and curvature.
pub(super) fn curved(examples: &[(f64, f64)], l2: f64) -> Cost {
    let layer = LinearConfig::new(1, 1).with_bias(false);
    let model = Model::new(&double(layer.init(&Device::flex())), forward).unwrap();
    let targets: Vec<f64> = examples.iter().flat_map(|it| [it.0, it.1]).collect();
    let inputs = matrix(&vec![1.0; examples.len()], 1);
    let cost = Cost::new(model, Curved, inputs, matrix(&targets, 2)).unwrap();
    cost.with_l2(l2)
}

pub(super) fn forward(layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    layer.forward(x)
}

pub(super) const N: usize = 24;
pub(super) const COLUMNS: usize = 3;
pub(super) const L2: f64 = 0.1;

/// Logistic regression, and the design that its parameters are multiplied by.
pub(super) fn logistic(seed: u64, l2: f64) -> (Cost, DenseMatrix) {
    let x = numbers(N * COLUMNS, seed);
    let signs = numbers(N, seed + 1);
    let labels: Vec<f64> = signs.iter().map(|it| f64::from(*it > 0.0)).collect();
    let layer = LinearConfig::new(COLUMNS, 1).init(&Device::flex());
    let model = Model::new(&double(layer), forward).unwrap();
    let targets = matrix(&labels, 1);
    let cost = Cost::new(model, BinaryCrossEntropy, matrix(&x, COLUMNS), targets);
    let design = DenseMatrix::from_fn(N, COLUMNS + 1, |i, j| match j {
        COLUMNS => 1.0,
        j => x[i * COLUMNS + j],
    });
    (cost.unwrap().with_l2(l2), design)
}

pub(super) fn of_logistic(design: &DenseMatrix, batch_size: usize) -> Regularity {
    let full = batch_size >= N;
    Regularity::of_linear(design, LinearLoss::Logistic, full, 1.0).unwrap()
}

pub(super) fn plan(batch_size: usize, rate: f64) -> ShuffledBatches {
    ShuffledBatches::new(N, batch_size, rate, 7).unwrap()
}

pub(super) fn config(radius: Option<f64>) -> DescentConfig {
    DescentConfig {
        radius,
        ..DescentConfig::default()
    }
}

/// Training on everything and retraining without `forget`, both from the same parameters.
pub(super) struct Trained {
    pub retained: WeightedDescent,
    pub full: Checkpoints,
    pub without: Checkpoints,
}

impl Trained {
    pub fn new(
        (cost, config): (&Cost, DescentConfig),
        removal: &Removal,
        plan: &ShuffledBatches,
        (steps, keep): (usize, &[usize]),
    ) -> Result<Self, UnlearnError> {
        let start = || DescentState::start(cost.model().theta());
        let all = WeightedDescent::new(cost, &Removal::none(), config)?;
        let retained = WeightedDescent::new(cost, removal, config)?;
        Ok(Self {
            full: Checkpoints::train(&all, start(), plan, steps, keep)?,
            without: Checkpoints::train(&retained, start(), plan, steps, keep)?,
            retained,
        })
    }

    /// How far `found` is from the retrained parameters.
    pub fn distance(&self, found: &DescentState) -> f64 {
        apart(&found.theta, &self.without.trained().unwrap().theta)
    }
}

pub(super) fn apart(a: &Tensor<1>, b: &Tensor<1>) -> f64 {
    norm(&host(a.clone() - b.clone()))
}

/// The bits of the parameters.
pub(super) fn bits(state: &DescentState) -> Vec<u64> {
    let numbers = host(state.theta.clone());
    numbers.into_iter().map(f64::to_bits).collect()
}

pub(super) fn at(value: f64) -> DescentState {
    DescentState::start(vector(&[value]))
}
