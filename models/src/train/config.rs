use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use super::error::TrainError;
use crate::data::{Dataset, Task};
use crate::zoo::Model;

/// How a model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// The method.
    pub optimizer: Optimizer,
    /// Step size of SGD and Adam at the start; L-BFGS searches for its own.
    pub learning_rate: f64,
    /// How the step size changes over training.
    pub schedule: Schedule,
    /// Examples in one step; for L-BFGS, in one forward pass, which bounds memory only.
    pub batch_size: usize,
    /// Passes over the data; for L-BFGS, the most evaluations of the cost and its gradient.
    pub epochs: usize,
    /// Coefficient of the L2 term: the cost is the mean loss plus `weight_decay/2 ||theta||^2`.
    pub weight_decay: f64,
    /// Seed of the order of examples.
    pub seed: u64,
}

/// A method of minimisation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Stochastic gradient descent with heavy-ball momentum: `v = momentum v + g`, `theta -= rate v`.
    Sgd {
        /// The momentum, 0 for none.
        momentum: f64,
    },
    /// Adam (Kingma and Ba, 2015) with Burn's default constants; the L2 term is part of its gradient.
    Adam,
    /// L-BFGS on all examples at once, until the Euclidean norm of the cost's gradient is at most `tolerance`.
    /// It works in 64 bits where the device has them, whatever the model's type, and then rounds the result.
    /// Precision bounds the tolerance from below: at 1e-14 in 64 bits, at 1e-6 in 32.
    Lbfgs {
        /// The norm to reach.
        tolerance: f64,
    },
}

/// How the step size changes over training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It falls to zero along half a cosine wave, so that training ends close to a minimum.
    Cosine,
}

impl Schedule {
    /// The factor on the step size before step `step` of `steps`, counted from 0.
    pub(super) fn factor(self, step: usize, steps: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * step as f64 / steps as f64).cos()),
        }
    }
}

impl TrainConfig {
    /// Settings that train a model well on a data set, with seed 0: L-BFGS for logistic regression, SGD with
    /// momentum for the rest.
    pub fn preset(model: Model, dataset: &Dataset) -> Self {
        match model {
            Model::LogisticRegression => Self {
                optimizer: Optimizer::Lbfgs { tolerance: 1e-10 },
                learning_rate: 1.0,
                schedule: Schedule::Constant,
                batch_size: 4096,
                epochs: 1000,
                weight_decay: match dataset.task {
                    Task::Binary { .. } => 1e-2,
                    _ => 1e-3,
                },
                seed: 0,
            },
            Model::Mlp => Self {
                optimizer: Optimizer::Sgd { momentum: 0.9 },
                learning_rate: match dataset.task {
                    Task::Regression => 0.01,
                    _ => 0.05,
                },
                schedule: Schedule::Cosine,
                batch_size: 32,
                epochs: if dataset.train.rows < 5000 { 60 } else { 20 },
                weight_decay: 1e-3,
                seed: 0,
            },
        }
    }

    /// Whether every setting is in range.
    pub(super) fn check(&self) -> Result<(), TrainError> {
        let require = |ok: bool, setting, value, allowed| match ok {
            true => Ok(()),
            false => Err(TrainError::Config {
                setting,
                value,
                allowed,
            }),
        };
        let positive = |setting, value: f64| {
            require(
                value > 0.0 && value.is_finite(),
                setting,
                value,
                "positive and finite",
            )
        };
        positive("learning rate", self.learning_rate)?;
        positive("batch size", self.batch_size as f64)?;
        positive("epochs", self.epochs as f64)?;
        require(
            self.weight_decay >= 0.0 && self.weight_decay.is_finite(),
            "weight decay",
            self.weight_decay,
            "zero or positive, and finite",
        )?;
        match self.optimizer {
            Optimizer::Sgd { momentum } => require(
                (0.0..1.0).contains(&momentum),
                "momentum",
                momentum,
                "at least 0 and below 1",
            ),
            Optimizer::Adam => Ok(()),
            Optimizer::Lbfgs { tolerance } => positive("tolerance", tolerance),
        }
    }
}
