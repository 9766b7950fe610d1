//! How well a model does on a split.

use std::ops::Range;

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use crate::criterion::Criterion;
use crate::data::{Split, Targets};
use crate::network::{Network, placement};
use crate::objective::Objective;

/// How well a model does on a split.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean loss, of each example times its weight if it has one, without any L2 term.
    pub loss: f64,
    /// Fraction of examples given their class, for classes.
    pub accuracy: Option<f64>,
    /// `1 - sum (y - t)^2 / sum (t - mean t)^2`, for numbers; NaN if all targets are equal.
    pub r2: Option<f64>,
    /// The exponential of the loss, for tokens: between how many words the model hesitates, so to speak.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perplexity: Option<f64>,
}

/// The outputs `[rows, outputs]` of a model for a split, row by row.
pub fn outputs<M: Network>(model: &M, split: &Split) -> Vec<f64> {
    by_batch(model, split, |outputs, _| outputs.flatten(0, 1))
}

/// How far two models' outputs are apart: the Euclidean distance of the outputs for an example, on average over a
/// split.
///
/// # Panics
///
/// If the models' outputs are of different size.
pub fn output_distance<M: Network>(a: &M, b: &M, split: &Split) -> f64 {
    let b = b.valid();
    let (device, dtype) = placement(&b);
    let inputs = split.inputs((&device, dtype));
    let distances = by_batch(a, split, |outputs, range| {
        let others = b.forward(inputs.clone().slice([range]));
        let square = (outputs - others).square().sum_dim(1);
        square.sqrt().squeeze_dim(1)
    });
    distances.iter().sum::<f64>() / split.rows as f64
}

/// The loss of each example, in order.
///
/// # Panics
///
/// If the model's outputs or the split's targets are not of the objective's kind.
pub fn per_example_losses<M: Network>(model: &M, split: &Split, objective: Objective) -> Vec<f64> {
    let (device, dtype) = placement(model);
    let criterion = Criterion::new(objective, split, (&device, dtype));
    by_batch(model, split, |outputs, range| {
        criterion.of_range(outputs, range)
    })
}

/// Measures a model on a split.
///
/// # Panics
///
/// As [`per_example_losses`], and if the split is empty.
pub fn evaluate<M: Network>(model: &M, split: &Split, objective: Objective) -> Metrics {
    assert!(split.rows > 0, "there is no example to evaluate");
    let (device, dtype) = placement(model);
    let criterion = Criterion::new(objective, split, (&device, dtype));
    let mut losses = Vec::with_capacity(split.rows);
    // A class or a number for each example. A text's outputs are too many to read.
    let mut predicted = Vec::new();
    each_batch(model, split, |outputs, range| {
        match (&split.targets, objective) {
            (Targets::Classes(_), _) => {
                let classes = classes(&outputs, objective).into_iter().flatten();
                predicted.extend(classes.map(|class| class as f64));
            }
            (Targets::Values(_), Objective::SquaredError | Objective::Huber { .. }) => {
                predicted.extend(outputs.clone().into_data().iter::<f64>());
            }
            (Targets::Values(_), Objective::Poisson) => {
                predicted.extend(outputs.clone().into_data().iter::<f64>().map(f64::exp));
            }
            _ => {}
        }
        let batch = criterion.of_range(outputs, range);
        losses.extend(batch.into_data().iter::<f64>());
    });
    let loss = losses.iter().sum::<f64>() / split.rows as f64;
    let mut metrics = Metrics {
        loss,
        accuracy: None,
        r2: None,
        perplexity: None,
    };
    match (&split.targets, objective) {
        (Targets::Classes(_), Objective::Reconstruction) => {}
        (Targets::Classes(classes), _) => metrics.accuracy = Some(accuracy(&predicted, classes)),
        (
            Targets::Values(values),
            Objective::SquaredError | Objective::Huber { .. } | Objective::Poisson,
        ) => {
            metrics.r2 = Some(r2(&predicted, values));
        }
        (Targets::Tokens { .. }, _) => metrics.perplexity = Some(loss.exp()),
        _ => {}
    }
    metrics
}

/// What `reduce` makes of the outputs of each batch and its range of rows, end to end.
fn by_batch<M: Network>(
    model: &M,
    split: &Split,
    reduce: impl Fn(Tensor<2>, Range<usize>) -> Tensor<1>,
) -> Vec<f64> {
    let mut values = Vec::new();
    each_batch(model, split, |outputs, range| {
        values.extend(reduce(outputs, range).into_data().iter::<f64>());
    });
    values
}

/// Gives away the outputs of each batch with its range of rows.
fn each_batch<M: Network>(
    model: &M,
    split: &Split,
    mut visit: impl FnMut(Tensor<2>, Range<usize>),
) {
    let model = model.valid();
    let (device, dtype) = placement(&model);
    let inputs = split.inputs((&device, dtype));
    let batch = model.batch();
    for start in (0..split.rows).step_by(batch) {
        let range = start..(start + batch).min(split.rows);
        visit(model.forward(inputs.clone().slice([range.clone()])), range);
    }
}

/// The class that a model gives each example of a split, in order; none if it gives none, as for numbers, words and
/// pictures that it is to make again.
pub fn predicted_classes<M: Network>(
    model: &M,
    split: &Split,
    objective: Objective,
) -> Option<Vec<i64>> {
    let mut found = Some(Vec::with_capacity(split.rows));
    if !matches!(split.targets, Targets::Classes(_)) {
        return None;
    }
    each_batch(model, split, |outputs, _| {
        let classes = classes(&outputs, objective);
        found = found.take().zip(classes).map(|(mut found, classes)| {
            found.extend(classes);
            found
        });
    });
    found
}

/// The class of each row of outputs, if these are logits of classes.
fn classes(outputs: &Tensor<2>, objective: Objective) -> Option<Vec<i64>> {
    let logits = || -> Vec<f64> { outputs.clone().into_data().iter::<f64>().collect() };
    match objective {
        Objective::CrossEntropy => {
            let width = outputs.dims()[1];
            Some(logits().chunks_exact(width).map(argmax).collect())
        }
        Objective::BinaryCrossEntropyWithLogits => {
            let logits = logits().into_iter();
            Some(logits.map(|logit| i64::from(logit > 0.0)).collect())
        }
        Objective::SquaredError
        | Objective::Huber { .. }
        | Objective::Poisson
        | Objective::Reconstruction => None,
    }
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

fn accuracy(predicted: &[f64], classes: &[i64]) -> f64 {
    let pairs = predicted.iter().zip(classes);
    let right = pairs.filter(|&(&a, &b)| a == b as f64).count();
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
