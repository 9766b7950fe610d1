//! Training that stops anywhere, is stored, and goes on to the same bits.

use backdraft_models::data::{Split, Targets};
use backdraft_models::{
    AlexNetConfig, AutoencoderConfig, Checkpoint, CheckpointError, LeNetConfig, MlpConfig, Network,
    Objective, Optimizer, ResNet20Config, Schedule, TrainConfig, TrainError, Training,
    TransformerConfig, Vgg13Config, Zoo, ZooConfig, train,
};
use backdraft_test_support::parameters;
use burn::tensor::{Device, TensorData};

/// Examples that look random, with targets of the kind asked for.
fn examples(rows: usize, columns: usize, targets: impl Fn(usize) -> i64) -> Split {
    let mut state = 1_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    Split {
        rows,
        columns,
        features: (0..rows * columns).map(|_| next()).collect(),
        targets: Targets::Classes((0..rows).map(targets).collect()),
        origin: (0..rows).collect(),
        weights: None,
    }
}

fn pictures(rows: usize, side: usize) -> Split {
    examples(rows, side * side, |row| row as i64 % 3)
}

fn text(rows: usize) -> Split {
    let mut split = examples(rows, 4, |_| 0);
    split
        .features
        .iter_mut()
        .for_each(|x| *x = (*x * 6.0).floor());
    let ids = split.features.iter().map(|&x| (x as i64 + 1) % 6).collect();
    split.targets = Targets::Tokens { length: 4, ids };
    split
}

fn config(optimizer: Optimizer, schedule: Schedule) -> TrainConfig {
    TrainConfig {
        optimizer,
        learning_rate: 0.01,
        schedule,
        batch_size: 4,
        epochs: 3,
        weight_decay: 1e-3,
        seed: 9,
    }
}

struct Case {
    network: ZooConfig,
    split: Split,
    config: TrainConfig,
}

impl Case {
    fn objective(&self) -> Objective {
        match self.network {
            ZooConfig::Autoencoder(_) => Objective::Reconstruction,
            _ => Objective::CrossEntropy,
        }
    }

    fn model(&self) -> Zoo {
        self.network.init(&Device::flex())
    }

    fn start(&self) -> Training<Zoo> {
        Training::new(self.model(), &self.split, self.objective(), &self.config).unwrap()
    }

    /// Takes up with a model of other weights.
    fn resume(&self, checkpoint: Checkpoint) -> Result<Training<Zoo>, TrainError> {
        let model = self.network.clone().with_seed(77).init(&Device::flex());
        Training::resume(
            model,
            &self.split,
            self.objective(),
            &self.config,
            checkpoint,
        )
    }
}

fn cases() -> Vec<Case> {
    let sgd = Optimizer::Sgd { momentum: 0.9 };
    let steps = Schedule::Steps {
        epochs: vec![1, 2],
        factor: 0.2,
    };
    vec![
        Case {
            network: ZooConfig::Mlp(MlpConfig::new(9, 3).with_hidden(vec![5])),
            // 35 batches a pass, so that passes are told of in two parts, the last batch short.
            split: pictures(138, 3),
            config: config(Optimizer::Sgd { momentum: 0.0 }, Schedule::Cosine),
        },
        Case {
            network: ZooConfig::Mlp(MlpConfig::new(9, 3).with_hidden(vec![5])),
            split: pictures(138, 3),
            config: config(Optimizer::Adam, Schedule::Constant),
        },
        Case {
            network: ZooConfig::Autoencoder(AutoencoderConfig::new().with_widths(vec![9, 4, 2])),
            split: pictures(14, 3),
            config: config(sgd, steps.clone()),
        },
        Case {
            network: ZooConfig::LeNet(
                LeNetConfig::new()
                    .with_height(8)
                    .with_width(8)
                    .with_outputs(3),
            ),
            split: pictures(10, 8),
            config: config(sgd, Schedule::Cosine),
        },
        Case {
            network: ZooConfig::ResNet20(
                ResNet20Config::new()
                    .with_channels(1)
                    .with_height(6)
                    .with_width(6)
                    .with_outputs(3)
                    .with_widths([2, 3, 4]),
            ),
            split: pictures(10, 6),
            config: config(sgd, steps),
        },
        Case {
            network: ZooConfig::Vgg13(
                Vgg13Config::new()
                    .with_channels(1)
                    .with_height(8)
                    .with_width(8)
                    .with_outputs(3)
                    .with_widths([2, 2, 3, 3, 4]),
            ),
            split: pictures(6, 8),
            config: config(Optimizer::Adam, Schedule::Constant),
        },
        Case {
            network: ZooConfig::Transformer(
                TransformerConfig::new()
                    .with_vocabulary(6)
                    .with_length(4)
                    .with_width(4)
                    .with_hidden(6),
            ),
            split: text(11),
            config: config(Optimizer::Adam, Schedule::Cosine),
        },
        Case {
            network: ZooConfig::AlexNet(
                AlexNetConfig::new()
                    .with_channels(1)
                    .with_height(12)
                    .with_width(12)
                    .with_outputs(3)
                    .with_widths([2, 3, 4, 3, 2]),
            ),
            split: pictures(10, 12),
            config: config(sgd, Schedule::Constant),
        },
    ]
}

#[test]
fn stopped_training_ends_with_the_same_bits() {
    for case in cases() {
        let name = case.network.model();
        let whole = train(
            case.model(),
            &case.split,
            case.objective(),
            &case.config,
            |_| {},
        );
        let whole = whole.unwrap();
        assert_ne!(
            parameters(&whole.model),
            parameters(&case.model()),
            "{name}"
        );

        // Stop after each report, and go on with nothing but what was stored.
        let mut training = case.start();
        let mut reports = 0;
        loop {
            let checkpoint = training.checkpoint();
            // Looking at the model must not change anything.
            parameters(&training.model());
            training = case.resume(checkpoint).unwrap();
            if training.advance().unwrap().is_none() {
                break;
            }
            reports += 1;
        }
        assert!(reports >= case.config.epochs, "{name}");
        assert_eq!(training.history().len(), case.config.epochs, "{name}");
        let parts = training.finish();
        assert_eq!(parts.history, whole.history, "{name}");
        assert_eq!(parameters(&parts.model), parameters(&whole.model), "{name}");
    }
}

/// Batch normalisation uses the batch's statistics in training, and the running ones, which training leaves behind,
/// afterwards.
#[test]
fn running_statistics_are_learned_and_then_stay() {
    let case = cases().swap_remove(4);
    assert_eq!(case.network.model().name(), "resnet20");
    let trained = train(
        case.model(),
        &case.split,
        case.objective(),
        &case.config,
        |_| {},
    );
    let model = trained.unwrap().model;
    let before = parameters(&model);
    let inputs = case.split.inputs(&Device::flex());
    let outputs = Network::forward(&model, inputs.clone()).into_data();
    // The same alone as among others.
    let alone = Network::forward(&model, inputs.slice(2..3)).into_data();
    let among: Vec<f32> = outputs.iter::<f32>().skip(6).take(3).collect();
    for (alone, among) in alone.iter::<f32>().zip(among) {
        assert!((alone - among).abs() < 1e-5, "{alone} {among}");
    }
    assert_eq!(parameters(&model), before);
    let initial = parameters(&case.model());
    let shapes = |numbers: &[TensorData]| {
        numbers
            .iter()
            .map(|t| t.shape().to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(shapes(&before), shapes(&initial));
    assert!(before.iter().zip(&initial).all(|(now, then)| now != then));
}

#[test]
fn a_checkpoint_of_something_else_is_refused() {
    let case = || cases().swap_remove(0);
    let mut training = case().start();
    training.advance().unwrap();
    let checkpoint = training.checkpoint();

    let mut other = case();
    other.config.seed = 10;
    let error = other.resume(checkpoint.clone()).err().unwrap();
    assert!(
        matches!(
            &error,
            TrainError::Checkpoint(CheckpointError::Differs {
                what: "the settings",
                ..
            })
        ),
        "{error}"
    );
    assert!(error.to_string().contains("start anew"), "{error}");

    let mut other = case();
    other.split = pictures(137, 3);
    let error = other.resume(checkpoint.clone()).err().unwrap().to_string();
    assert_eq!(
        error,
        "the checkpoint was made with a number of examples of 138, not 137; use the same settings, or start anew"
    );

    let mut other = case();
    other.network = ZooConfig::Mlp(MlpConfig::new(9, 3).with_hidden(vec![6]));
    let error = other.resume(checkpoint.clone()).err().unwrap().to_string();
    assert!(
        error.contains("has shape [9, 5] in the checkpoint, not [9, 6]"),
        "{error}"
    );

    let mut other = case();
    other.network = ZooConfig::Mlp(MlpConfig::new(9, 3).with_hidden(vec![5, 5, 5]));
    let error = other.resume(checkpoint.clone()).err().unwrap();
    assert!(
        matches!(
            &error,
            TrainError::Checkpoint(CheckpointError::Shape { .. } | CheckpointError::Missing { .. })
        ),
        "{error}"
    );

    let network = |layers| {
        let config = TransformerConfig::new()
            .with_vocabulary(6)
            .with_length(4)
            .with_width(4)
            .with_hidden(6);
        ZooConfig::Transformer(config.with_layers(layers))
    };
    let mut deep = cases().swap_remove(6);
    deep.network = network(3);
    let stored = deep.start().checkpoint();
    deep.network = network(2);
    let error = deep.resume(stored).err().unwrap();
    let TrainError::Checkpoint(CheckpointError::Unused { name }) = &error else {
        panic!("{error}")
    };
    assert!(name.contains("layers.2."), "{name}");

    let mut damaged = checkpoint.clone();
    damaged.tensors.pop();
    let mut momentum = case();
    momentum.config.optimizer = Optimizer::Adam;
    damaged.state.config = momentum.config.clone();
    let error = momentum.resume(damaged).err().unwrap();
    assert!(
        matches!(
            &error,
            TrainError::Checkpoint(CheckpointError::Missing { .. })
        ),
        "{error}"
    );

    for step in [106, 40] {
        let mut damaged = checkpoint.clone();
        damaged.state.step = step;
        let error = case().resume(damaged).err().unwrap();
        assert_eq!(
            error,
            TrainError::Checkpoint(CheckpointError::Step { step, steps: 105 })
        );
    }
}

#[test]
fn lbfgs_does_not_go_by_batches() {
    let mut case = cases().swap_remove(0);
    case.config.optimizer = Optimizer::Lbfgs { tolerance: 1e-6 };
    let training = Training::new(case.model(), &case.split, case.objective(), &case.config);
    assert_eq!(training.err(), Some(TrainError::WholeData));
}

#[test]
fn the_rate_falls_when_so_many_passes_are_done() {
    // With a batch a pass and no momentum, each step is the rate times the gradient; a factor of 0 is not allowed, a
    // tiny one is none.
    let mut case = cases().swap_remove(0);
    case.config = TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.0 },
        schedule: Schedule::Steps {
            epochs: vec![2],
            factor: 1e-30,
        },
        batch_size: case.split.rows,
        epochs: 3,
        ..case.config
    };
    let mut training = case.start();
    let mut seen = vec![parameters(&training.model())];
    while training.advance().unwrap().is_some() {
        seen.push(parameters(&training.model()));
    }
    assert_eq!(seen.len(), 4);
    assert_ne!(seen[0], seen[1]);
    assert_ne!(seen[1], seen[2]);
    assert_eq!(seen[2], seen[3]);
    case.config.schedule = Schedule::Steps {
        epochs: vec![2],
        factor: 0.0,
    };
    let error = Training::new(case.model(), &case.split, case.objective(), &case.config);
    assert!(matches!(error.err(), Some(TrainError::Config { .. })));
}
