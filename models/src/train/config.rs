//! Settings of training.

use std::f64::consts::PI;

use backdraft_optimize::Descent;
use serde::{Deserialize, Serialize};

use super::error::TrainError;

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
    /// Adam with the constants that Kingma and Ba (2015) recommend: decay rates of 0.9 and 0.999, epsilon 1e-8. The L2
    /// term is part of its gradient.
    Adam,
    /// L-BFGS on all examples at once, until the Euclidean norm of the cost's gradient is at most `tolerance`.
    /// It works in 64 bits where the device has them, whatever the model's type, and then rounds the result.
    /// Precision bounds the tolerance from below: at 1e-14 in 64 bits, at 1e-6 in 32.
    Lbfgs {
        /// The norm to reach.
        tolerance: f64,
    },
}

impl Optimizer {
    /// How steps are made from batches; `None` for L-BFGS, which takes all examples at once.
    pub fn descent(self) -> Option<Descent> {
        match self {
            Self::Sgd { momentum } => Some(Descent::Sgd { momentum }),
            Self::Adam => Some(Descent::Adam),
            Self::Lbfgs { .. } => None,
        }
    }
}

/// How the step size changes over training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays.
    Constant,
    /// It falls to zero along half a cosine wave, so that training ends close to a minimum.
    Cosine,
    /// It is multiplied by a factor each time that so many passes over the data are done.
    Steps {
        /// The numbers of passes.
        epochs: Vec<usize>,
        /// The factor.
        factor: f64,
    },
}

impl Schedule {
    /// The factor on the step size before step `step`, counted from 0, with so many steps in each of so many passes.
    pub(super) fn factor(&self, step: usize, batches: usize, epochs: usize) -> f64 {
        match self {
            Self::Constant => 1.0,
            Self::Cosine => 0.5 * (1.0 + (PI * step as f64 / (batches * epochs) as f64).cos()),
            Self::Steps { epochs, factor } => {
                let done = step / batches;
                let times = epochs.iter().filter(|&&epoch| epoch <= done).count();
                factor.powi(times as i32)
            }
        }
    }
}

impl TrainConfig {
    /// How far gradients are followed in training on `rows` examples: the sum of all step sizes, over one less the
    /// momentum, `eta K` where the step size stays. `None` for methods whose steps are no multiples of gradients.
    pub fn steps_in_all(&self, rows: usize) -> Option<f64> {
        let Optimizer::Sgd { momentum } = self.optimizer else {
            return None;
        };
        let batches = rows.div_ceil(self.batch_size);
        let factor = |step| self.schedule.factor(step, batches, self.epochs);
        let factors: f64 = (0..batches * self.epochs).map(factor).sum();
        Some(self.learning_rate * factors / (1.0 - momentum))
    }

    /// Whether every setting is in range.
    ///
    /// # Errors
    ///
    /// [`TrainError::Config`] for the first that is not.
    pub fn check(&self) -> Result<(), TrainError> {
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
        if let Schedule::Steps { factor, .. } = self.schedule {
            positive("factor of the learning rate", factor)?;
        }
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
