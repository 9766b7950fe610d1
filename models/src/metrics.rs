use std::ops::Range;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::data::{Split, Targets};
use crate::network::{Network, placement};
use crate::objective::Objective;

/// Examples in one forward pass; results do not depend on it.
const BATCH: usize = 1024;

/// How well a model does on a split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean loss, without any L2 term.
    pub loss: f64,
    /// Fraction of examples given their class, for classes.
    pub accuracy: Option<f64>,
    /// `1 - sum (y - t)^2 / sum (t - mean t)^2`, for numbers; NaN if all targets are equal.
    pub r2: Option<f64>,
}

/// The outputs `[rows, outputs]` of a model for a split, row by row.
pub fn outputs<M: Network>(model: &M, split: &Split) -> Vec<f64> {
    by_batch(model, split, |outputs, _| outputs.flatten(0, 1))
}

/// The loss of each example, in order.
///
/// # Panics
///
/// If the model's outputs or the split's targets are not of the objective's kind.
pub fn per_example_losses<M: Network>(model: &M, split: &Split, objective: Objective) -> Vec<f64> {
    let (device, dtype) = placement(model);
    let targets = objective.targets(split, (&device, dtype));
    by_batch(model, split, |outputs, range| {
        objective.losses(outputs, targets.slice(range))
    })
}

/// Measures a model on a split.
///
/// # Panics
///
/// As [`per_example_losses`], and if the split is empty.
pub fn evaluate<M: Network>(model: &M, split: &Split, objective: Objective) -> Metrics {
    assert!(split.rows > 0, "there is no example to evaluate");
    let losses = per_example_losses(model, split, objective);
    let outputs = outputs(model, split);
    let (accuracy, r2) = match (&split.targets, objective) {
        (Targets::Classes(classes), Objective::CrossEntropy) => {
            let width = outputs.len() / split.rows;
            (
                Some(accuracy(outputs.chunks_exact(width).map(argmax), classes)),
                None,
            )
        }
        (Targets::Classes(classes), Objective::BinaryCrossEntropyWithLogits) => {
            let predicted = outputs.iter().map(|&logit| i64::from(logit > 0.0));
            (Some(accuracy(predicted, classes)), None)
        }
        (Targets::Values(values), Objective::SquaredError) => (None, Some(r2(&outputs, values))),
        _ => (None, None),
    };
    Metrics {
        loss: losses.iter().sum::<f64>() / split.rows as f64,
        accuracy,
        r2,
    }
}

/// What `reduce` makes of the outputs of each batch and its range of rows, end to end.
fn by_batch<M: Network>(
    model: &M,
    split: &Split,
    reduce: impl Fn(Tensor<2>, Range<usize>) -> Tensor<1>,
) -> Vec<f64> {
    let model = model.valid();
    let (device, dtype) = placement(&model);
    let inputs = split.inputs((&device, dtype));
    let mut values = Vec::new();
    for start in (0..split.rows).step_by(BATCH) {
        let range = start..(start + BATCH).min(split.rows);
        let outputs = model.forward(inputs.clone().slice([range.clone()]));
        values.extend(reduce(outputs, range).into_data().iter::<f64>());
    }
    values
}

/// The first index of the greatest value.
fn argmax(values: &[f64]) -> i64 {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best as i64
}

fn accuracy(predicted: impl Iterator<Item = i64>, classes: &[i64]) -> f64 {
    let right = predicted.zip(classes).filter(|(a, b)| a == *b).count();
    right as f64 / classes.len() as f64
}

fn r2(predicted: &[f64], values: &[f32]) -> f64 {
    let mean = values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64;
    let (mut unexplained, mut total) = (0.0, 0.0);
    for (&y, &t) in predicted.iter().zip(values) {
        unexplained += (y - f64::from(t)).powi(2);
        total += (f64::from(t) - mean).powi(2);
    }
    1.0 - unexplained / total
}
