//! Least squares with a solution in closed form, a small network, and a store that fails.

use std::cell::Cell;

use backdraft_attribution::{
    Correlations, Decomposition, FitConfig, Respond, Retrain, Store, StoreError, evaluate::Seconds,
};
use backdraft_curvature::{Cost, CrossEntropy, Model, SquaredError};
use backdraft_influence::response::{Descent, Removal, Stop};
use backdraft_test_support::{classes, dot, double, matrix, numbers, random, solve, vector};
use burn::{
    module::Module,
    nn::{Linear, LinearConfig},
    optim::SgdConfig,
    tensor::{Device, Int, Tensor, activation},
};

pub(crate) const N: usize = 12;
pub(crate) const INPUTS: usize = 3;
pub(crate) const DAMPING: f64 = 0.1;

/// Until nothing is left but rounding.
pub(crate) const TO_THE_END: Respond = Respond::Minimize(Stop {
    tolerance: 1e-13,
    decrease: 0.0,
    max_steps: 1_000,
});

pub(crate) fn removals(examples: &[&[usize]]) -> Vec<Removal> {
    let removal = |it: &&[usize]| Removal::of(it.to_vec(), N);
    examples.iter().map(removal).collect()
}

/// Gaps without what the clock gives.
pub(crate) fn timeless(mut found: Decomposition) -> Decomposition {
    let seconds = found.removals.iter_mut().map(|it| &mut it.seconds);
    seconds.for_each(Seconds::clear);
    found
}

/// Correlations without it.
pub(crate) fn timeless_changes(mut found: Correlations) -> Correlations {
    let seconds = found.removals.iter_mut().map(|it| &mut it.seconds);
    seconds.for_each(Seconds::clear);
    found
}

/// Least squares of targets on inputs and no constant, `1/N sum of w_i/2 (x_i theta - t_i)^2`.
pub(crate) struct LeastSquares {
    pub x: Vec<Vec<f64>>,
    pub t: Vec<f64>,
}

impl LeastSquares {
    pub fn new(count: usize, seed: u64) -> Self {
        let x = numbers(count * INPUTS, seed);
        Self {
            x: x.chunks(INPUTS).map(<[f64]>::to_vec).collect(),
            t: numbers(count, seed + 1),
        }
    }

    /// `1/N sum of w_i x_i x_i'`.
    pub fn hessian(&self, weights: &[f64]) -> Vec<Vec<f64>> {
        let n = self.t.len() as f64;
        let entry = |j: usize, k: usize| -> f64 {
            let terms = self.x.iter().zip(weights);
            terms.map(|(x, w)| w * x[j] * x[k] / n).sum()
        };
        (0..INPUTS)
            .map(|j| (0..INPUTS).map(|k| entry(j, k)).collect())
            .collect()
    }

    pub fn minimum(&self, weights: &[f64]) -> Vec<f64> {
        let n = self.t.len() as f64;
        let entry = |j: usize| -> f64 {
            let terms = self.x.iter().zip(&self.t).zip(weights);
            terms.map(|((x, t), w)| w * x[j] * t / n).sum()
        };
        solve(self.hessian(weights), (0..INPUTS).map(entry).collect())
    }

    /// `x theta - t` of one example.
    pub fn residual(&self, example: usize, theta: &[f64]) -> f64 {
        dot(&self.x[example], theta) - self.t[example]
    }

    /// At the parameters `theta`.
    pub fn cost(&self, theta: &[f64]) -> Cost {
        let linear: Linear = LinearConfig::new(INPUTS, 1)
            .with_bias(false)
            .init(&Device::flex());
        let linear = double(linear);
        let model = Model::new(&linear, |it: &Linear, x: Tensor<2>| it.forward(x)).unwrap();
        let model = model.at(vector(theta)).unwrap();
        let x = matrix(&self.x.concat(), INPUTS);
        Cost::new(model, SquaredError, x, matrix(&self.t, 1)).unwrap()
    }
}

/// A store that ends the process, so to speak, at one of its writes: before or after it is done.
pub(crate) struct Mortal<'a> {
    pub store: &'a dyn Store,
    pub left: Cell<usize>,
    pub after: bool,
}

impl Store for Mortal<'_> {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.get(key)
    }

    fn put(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let last = self.left.get() == 0;
        if !last || self.after {
            self.store.put(key, value)?;
        }
        if last {
            return Err(StoreError::Other("killed".into()));
        }
        self.left.set(self.left.get() - 1);
        Ok(())
    }

    fn remove(&self, key: &str) -> Result<(), StoreError> {
        self.store.remove(key)
    }
}

#[derive(Module, Debug)]
pub(crate) struct Net {
    first: Linear,
    second: Linear,
}

impl Net {
    pub fn new() -> Self {
        let device = Device::flex();
        double(Self {
            first: LinearConfig::new(INPUTS, 4).init(&device),
            second: LinearConfig::new(4, 3).init(&device),
        })
    }

    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(activation::tanh(self.first.forward(x)))
    }
}

pub(crate) fn inputs(seed: u64) -> Tensor<2> {
    random([N, INPUTS], seed)
}

pub(crate) fn labels() -> Tensor<1, Int> {
    let labels: Vec<i64> = (0..N as i64).map(|i| (i * i + 1) % 3).collect();
    classes(&labels)
}

/// Training of the small network by Burn's gradient descent.
pub(crate) fn fit() -> impl Retrain {
    let (x, y) = (inputs(4), labels());
    let config = FitConfig {
        epochs: 4,
        batch_size: 5,
        learning_rate: 0.3,
    };
    let fit = config.init(
        |_| Net::new(),
        || SgdConfig::new().init(),
        move |net: &Net, batch: Tensor<1, Int>| {
            let outputs = net.forward(x.clone().select(0, batch.clone()));
            let labels = y.clone().select(0, batch).unsqueeze_dim(1);
            let log_p = activation::log_softmax(outputs, 1).gather(1, labels);
            -log_p.squeeze_dim::<1>(1)
        },
    );
    fit.unwrap()
}

/// The small network as [`fit`] trains it.
pub(crate) fn network() -> Cost {
    let theta = fit().retrain(&[1.0; N], 0).unwrap();
    let model = Model::new(&Net::new(), Net::forward).unwrap();
    let model = model.at(theta).unwrap();
    Cost::new(model, CrossEntropy, inputs(4), labels()).unwrap()
}

/// Two passes more.
pub(crate) fn steps() -> Respond {
    Respond::epochs(Descent::Sgd { momentum: 0.0 }, 0.1, N, 5, 2, 0)
}
