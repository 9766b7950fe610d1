//! The batches that training takes, and factors on the examples in them.

use backdraft_models::data::{Split, Targets};
use backdraft_models::{
    Architecture, LogisticRegressionConfig, Objective, Optimizer, Schedule, TrainConfig, Training,
    Zoo, ZooConfig, numbers, output_distance, to_dtype, with_numbers,
};
use burn::tensor::{DType, Device};

const ROWS: usize = 10;

fn split() -> Split {
    let x: Vec<f32> = (0..ROWS).map(|i| (i as f32 * 1.7).sin()).collect();
    Split {
        rows: ROWS,
        columns: 1,
        targets: Targets::Values(x.iter().map(|x| 2.0 * x * x - 0.5).collect()),
        features: x,
        origin: (0..ROWS).collect(),
        weights: None,
    }
}

fn config() -> TrainConfig {
    TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.5 },
        learning_rate: 0.2,
        schedule: Schedule::Steps {
            epochs: vec![2],
            factor: 0.1,
        },
        batch_size: 4,
        epochs: 3,
        weight_decay: 0.01,
        seed: 9,
    }
}

fn linear() -> Zoo {
    let config = LogisticRegressionConfig::new(1, 1).with_seed(3);
    let model = ZooConfig::LogisticRegression(config).init(&Device::flex());
    to_dtype(model, DType::F64)
}

/// Weight and bias.
fn theta(model: &Zoo) -> Vec<f64> {
    let tensors = numbers(model);
    let values = tensors.iter().flat_map(|(_, data)| data.iter::<f64>());
    values.collect()
}

#[test]
fn they_are_those_of_training() {
    let (split, config) = (split(), config());
    let weights: Vec<f64> = (0..ROWS)
        .map(|i| if i == 4 { 0.0 } else { 1.0 + 0.1 * i as f64 })
        .collect();
    let mut training = Training::new(linear(), &split, Objective::SquaredError, &config)
        .unwrap()
        .with_weights(&weights);
    while training.advance().unwrap().is_some() {}

    let Targets::Values(targets) = &split.targets else {
        unreachable!()
    };
    let (mut at, mut velocity) = (theta(&linear()), [0.0; 2]);
    for (rate, batch) in config.batches(ROWS, 0..config.epochs) {
        let mut gradient = [config.weight_decay * at[0], config.weight_decay * at[1]];
        for &i in &batch {
            let (x, t) = (f64::from(split.features[i]), f64::from(targets[i]));
            let slope = weights[i] * (at[0] * x + at[1] - t) / batch.len() as f64;
            gradient[0] += slope * x;
            gradient[1] += slope;
        }
        for k in 0..2 {
            velocity[k] = 0.5 * velocity[k] + gradient[k];
            at[k] -= rate * velocity[k];
        }
    }
    let found = theta(&training.model());
    for (found, expected) in found.iter().zip(&at) {
        // Sums of a few terms in another order.
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
}

#[test]
fn each_pass_has_every_example_once_and_goes_on_where_the_last_ended() {
    let config = config();
    let all: Vec<_> = config.batches(ROWS, 0..5).collect();
    assert_eq!(all.len(), 15);
    for pass in all.chunks(3) {
        let mut examples: Vec<usize> = pass.iter().flat_map(|(_, batch)| batch.clone()).collect();
        assert_eq!(pass[2].1.len(), 2);
        examples.sort_unstable();
        assert_eq!(examples, (0..ROWS).collect::<Vec<_>>());
    }
    assert_ne!(all[0].1, all[3].1);
    assert_eq!(config.batches(ROWS, 2..5).collect::<Vec<_>>(), all[6..]);
    // A tenth from the third pass on, beyond the third too.
    let rates: Vec<f64> = all.iter().map(|(rate, _)| *rate).collect();
    assert!(rates[..6].iter().all(|&rate| rate == 0.2));
    assert!(rates[6..].iter().all(|&rate| (rate - 0.02).abs() < 1e-17));
}

#[test]
#[should_panic(expected = "a weight for each example is needed")]
fn weights_are_counted() {
    let training = Training::new(linear(), &split(), Objective::SquaredError, &config()).unwrap();
    let _ = training.with_weights(&[1.0]);
}

#[test]
fn numbers_go_out_and_come_back_to_the_bit() {
    let config = ZooConfig::published(Architecture::ResNet20);
    let (one, other) = (
        config.clone().with_seed(1).init(&Device::flex()),
        config.with_seed(2).init(&Device::flex()),
    );
    let kept = numbers(&one);
    let again = with_numbers(other.clone(), |name| {
        let found = kept.iter().find(|(of, _)| of == name);
        found.map(|(_, data)| data.clone())
    })
    .unwrap();
    assert_eq!(numbers(&again), kept);
    assert_ne!(numbers(&other), kept);
}

#[test]
fn the_distance_of_outputs_is_a_mean_over_examples() {
    let model = linear();
    let at = theta(&model);
    let moved = with_numbers(model.clone(), |name| {
        let (_, data) = numbers(&model).into_iter().find(|(of, _)| of == name)?;
        let values: Vec<f64> = data.iter::<f64>().map(|x| x + 0.25).collect();
        Some(burn::tensor::TensorData::new(values, data.shape().to_vec()))
    })
    .unwrap();
    assert_ne!(theta(&moved), at);
    let split = split();
    let expected = split
        .features
        .iter()
        .map(|&x| 0.25 * (f64::from(x) + 1.0).abs());
    let expected = expected.sum::<f64>() / ROWS as f64;
    let found = output_distance(&model, &moved, &split);
    assert!((found - expected).abs() < 1e-15, "{found} {expected}");
}

/// Rounding is all that parts change, of the weights and of the losses reported: some dozens of sums in f64.
#[test]
fn parts_of_a_batch_are_the_batch() {
    let (split, config) = (split(), config());
    let weights: Vec<f64> = (0..ROWS).map(|i| 1.0 + 0.1 * i as f64).collect();
    let trained = |part: Option<usize>| {
        let training = Training::new(linear(), &split, Objective::SquaredError, &config);
        let mut training = training.unwrap().with_weights(&weights);
        if let Some(part) = part {
            training = training.with_parts(part);
        }
        while training.advance().unwrap().is_some() {}
        let trained = training.finish();
        [theta(&trained.model), trained.history].concat()
    };
    let whole = trained(None);
    assert_eq!(trained(Some(4)), whole);
    for part in [1, 3] {
        let apart = trained(Some(part)).into_iter().zip(&whole);
        for (found, expected) in apart {
            let error = (found - expected).abs();
            assert!(error < 1e-14 * expected.abs().max(1.0), "{part}: {error:e}");
        }
    }
}
