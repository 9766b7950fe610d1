//! How well a network does on a measured part of the data.

use backdraft_curvature::{Cost, Model, Rows};
use burn::tensor::{Int, Tensor, kind::Kind};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::ValuationError;

/// Samples with replacement that noise is estimated from.
const RESAMPLES: usize = 1_000;

/// What is measured; more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Performance {
    /// The share of examples whose class has the largest output, from 0 to 1; a single output is the logit of class 1
    /// of two. An example of which several outputs are the largest counts as the share that guessing among them would
    /// get right: outputs that are all alike have the accuracy of chance.
    Accuracy,
    /// Minus the mean loss.
    Loss,
    /// `R2 = 1 - sum (y - t)^2 / sum (t - mean t)^2` of numbers to predict: 1 at best, 0 for their mean, and below.
    R2,
}

impl Performance {
    /// Its name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::Loss => "loss",
            Self::R2 => "r2",
        }
    }
}

/// The performance of a network, at any parameters, on the examples of a cost.
pub struct TestPerformance {
    performance: Performance,
    test: Cost,
    targets: Targets,
}

/// What outputs are compared with, on the host.
enum Targets {
    /// A class an example.
    Classes(Vec<usize>),
    /// As many numbers an example as outputs.
    Values(Vec<f64>),
    /// The loss knows.
    OfLoss,
}

impl TestPerformance {
    /// The `performance` on the examples of `test`.
    ///
    /// # Errors
    /// [`ValuationError::Setting`] for an accuracy of targets that are no classes, and for R2 of targets that are no
    /// numbers or all the same; [`ValuationError::Curvature`].
    pub fn new(performance: Performance, test: &Cost) -> Result<Self, ValuationError> {
        let targets = match performance {
            Performance::Loss => Targets::OfLoss,
            Performance::Accuracy => Targets::Classes(classes(test)?),
            Performance::R2 => Targets::Values(values(test)?),
        };
        Ok(Self {
            performance,
            test: test.clone(),
            targets,
        })
    }

    /// What is measured.
    pub fn performance(&self) -> Performance {
        self.performance
    }

    /// The network.
    pub fn model(&self) -> &Model {
        self.test.model()
    }

    /// The performance at the parameters `theta`, `[dim]`, or in a state of the model.
    ///
    /// # Errors
    /// [`ValuationError::Curvature`], with NaN or infinite outputs or losses among others; [`ValuationError::Setting`]
    /// for outputs that do not belong to the targets.
    pub fn at(&self, theta: Tensor<1>) -> Result<f64, ValuationError> {
        let numbers = self.of_examples(theta)?;
        Ok(self.of_all(&numbers, 0..numbers.len()))
    }

    /// The standard deviation of the performance at `theta` over 1,000 samples of the examples with replacement, drawn
    /// by `seed`: its noise (Ghorbani & Zou 2019, Section 3.1).
    ///
    /// # Errors
    /// As [`at`](Self::at).
    pub fn noise(&self, theta: Tensor<1>, seed: u64) -> Result<f64, ValuationError> {
        let numbers = self.of_examples(theta)?;
        let n = numbers.len();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut found = Vec::with_capacity(RESAMPLES);
        for _ in 0..RESAMPLES {
            let rows: Vec<usize> = (0..n).map(|_| rng.random_range(0..n)).collect();
            found.push(self.of_all(&numbers, rows.into_iter()));
        }
        // Targets that are all the same have no R2.
        found.retain(|it| it.is_finite());
        let count = found.len().max(1) as f64;
        let mean = found.iter().sum::<f64>() / count;
        let square = found.iter().map(|it| (it - mean).powi(2)).sum::<f64>();
        Ok((square / count).sqrt())
    }

    /// What settles it, in words.
    pub(super) fn settings(&self) -> String {
        format!(
            "{} on {} examples",
            self.performance.name(),
            self.test.len()
        )
    }

    /// Of each example: whether its class was found, its loss with the other sign, or the square of its residual.
    fn of_examples(&self, theta: Tensor<1>) -> Result<Vec<f64>, ValuationError> {
        let test = self.test.at(theta)?;
        let targets = match &self.targets {
            Targets::OfLoss => {
                let losses = test.losses()?.try_into_vec_as::<f64>()?;
                return Ok(losses.into_iter().map(|it| -it).collect());
            }
            targets => targets,
        };
        let outputs = test.outputs()?;
        let [rows, width] = outputs.dims();
        let outputs = outputs.flatten::<1>(0, 1).try_into_vec_as::<f64>()?;
        let outputs = outputs.chunks_exact(width);
        match targets {
            Targets::Classes(classes) => {
                if let Some(class) = classes.iter().find(|it| **it >= width.max(2)) {
                    let problem = format!(
                        "is accuracy, of class {class} among {} by the network's outputs",
                        width.max(2)
                    );
                    return Err(ValuationError::setting("performance", problem));
                }
                Ok(outputs.zip(classes).map(|it| right(it.0, *it.1)).collect())
            }
            Targets::Values(values) => {
                ValuationError::check_len("numbers to predict", rows * width, values.len())?;
                let pairs = outputs.zip(values.chunks_exact(width));
                Ok(pairs.map(|(y, t)| square(y, t)).collect())
            }
            Targets::OfLoss => unreachable!("it was returned above"),
        }
    }

    /// Of some of the examples, repeats allowed.
    fn of_all(&self, numbers: &[f64], rows: impl ExactSizeIterator<Item = usize> + Clone) -> f64 {
        let count = rows.len() as f64;
        let sum: f64 = rows.clone().map(|row| numbers[row]).sum();
        match &self.targets {
            Targets::Values(values) => {
                let width = values.len() / numbers.len();
                let spread: f64 = (0..width)
                    .map(|column| {
                        let of = |row: usize| values[row * width + column];
                        let mean = rows.clone().map(of).sum::<f64>() / count;
                        rows.clone()
                            .map(|row| (of(row) - mean).powi(2))
                            .sum::<f64>()
                    })
                    .sum();
                1.0 - sum / spread
            }
            Targets::Classes(_) | Targets::OfLoss => sum / count,
        }
    }
}

/// The share of guesses among the largest outputs that are right.
fn right(outputs: &[f64], class: usize) -> f64 {
    let largest = |outputs: &[f64]| {
        let most = outputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ties = outputs.iter().filter(|it| **it == most).count();
        match outputs[class] == most {
            true => 1.0 / ties as f64,
            false => 0.0,
        }
    };
    match outputs {
        [logit] => largest(&[0.0, *logit]),
        logits => largest(logits),
    }
}

fn square(outputs: &[f64], targets: &[f64]) -> f64 {
    let pairs = outputs.iter().zip(targets);
    pairs.map(|(y, t)| (y - t).powi(2)).sum()
}

/// The one tensor of targets.
fn target(test: &Cost) -> Result<Rows, ValuationError> {
    let mut targets = test.targets()?;
    match (targets.pop(), targets.is_empty()) {
        (Some(targets), true) => Ok(targets),
        _ => {
            let problem = "is of one target an example, and the loss has several: measure the loss";
            Err(ValuationError::setting("performance", problem))
        }
    }
}

/// The classes of a cost's examples.
fn classes(test: &Cost) -> Result<Vec<usize>, ValuationError> {
    let targets = target(test)?;
    let shape = targets.shape();
    let refuse = || {
        let problem =
            "is accuracy, which is of classes, and the targets are none: measure the loss, or R2";
        ValuationError::setting("performance", problem)
    };
    let whole = |value: f64| match value >= 0.0 && value.fract() == 0.0 {
        true => Ok(value as usize),
        false => Err(refuse()),
    };
    match (targets.kind(), shape.num_dims()) {
        (Kind::Int, 1) => {
            let classes: Tensor<1, Int> = targets.into_tensor();
            let classes = classes.try_into_vec_as::<i64>()?;
            classes.into_iter().map(|it| whole(it as f64)).collect()
        }
        (Kind::Float, _) if shape.num_elements() == targets.len() => {
            let classes = targets
                .table()
                .flatten::<1>(0, 1)
                .try_into_vec_as::<f64>()?;
            let binary = classes.iter().all(|it| *it == 0.0 || *it == 1.0);
            match binary {
                true => classes.into_iter().map(whole).collect(),
                false => Err(refuse()),
            }
        }
        _ => Err(refuse()),
    }
}

/// The numbers that a cost's examples are to be predicted as.
fn values(test: &Cost) -> Result<Vec<f64>, ValuationError> {
    let targets = target(test)?;
    if targets.kind() != Kind::Float {
        let problem =
            "is R2, which is of numbers to predict, and the targets are none: measure accuracy";
        return Err(ValuationError::setting("performance", problem));
    }
    let rows = targets.len();
    let values = targets
        .table()
        .flatten::<1>(0, 1)
        .try_into_vec_as::<f64>()?;
    let width = values.len() / rows.max(1);
    if values
        .chunks_exact(width.max(1))
        .all(|it| it == &values[..width])
    {
        let problem = "is R2, and all targets are the same: measure the loss";
        return Err(ValuationError::setting("performance", problem));
    }
    Ok(values)
}
