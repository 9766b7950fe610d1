//! Sizes and training settings for each model and data set.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::alexnet::AlexNetConfig;
use crate::architecture::Architecture;
use crate::autoencoder::AutoencoderConfig;
use crate::data::{Dataset, ExampleShape, Task};
use crate::lenet::LeNetConfig;
use crate::logistic_regression::LogisticRegressionConfig;
use crate::mlp::MlpConfig;
use crate::resnet20::ResNet20Config;
use crate::train::{Optimizer, Schedule, TrainConfig};
use crate::transformer::TransformerConfig;
use crate::vgg13::Vgg13Config;
use crate::zoo::ZooConfig;

/// Inputs above which the quick MLP is wider.
const WIDE_INPUT: usize = 256;

/// A size and training settings for each model and data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// As in Bae et al. (2022), appendix E. The learning rates there were chosen by search for each data set and are
    /// not told; those here are from the same range.
    Paper,
    /// A sensible result within minutes on two cores; VGG13 and many pictures take longer.
    Quick,
}

impl Preset {
    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Quick => "quick",
        }
    }

    /// The model's shape for a data set, with seed 0.
    ///
    /// # Panics
    ///
    /// If the model cannot read the data set, see [`Architecture::check`].
    pub fn network(self, model: Architecture, dataset: &Dataset) -> ZooConfig {
        let (inputs, outputs) = (dataset.train.columns, dataset.task.outputs());
        match (model, dataset.shape) {
            (Architecture::LogisticRegression, _) => {
                ZooConfig::LogisticRegression(LogisticRegressionConfig::new(inputs, outputs))
            }
            (Architecture::Mlp, _) => {
                let hidden = vec![self.width(dataset); 2];
                ZooConfig::Mlp(MlpConfig::new(inputs, outputs).with_hidden(hidden))
            }
            (Architecture::Autoencoder, _) => {
                let widths = vec![inputs, 1000, 500, 250, 30];
                ZooConfig::Autoencoder(AutoencoderConfig::new().with_widths(widths))
            }
            (
                model,
                ExampleShape::Picture {
                    channels,
                    height,
                    width,
                },
            ) => pictures(model, [channels, height, width], outputs),
            (Architecture::Transformer, ExampleShape::Tokens { length }) => {
                let config = TransformerConfig::new()
                    .with_vocabulary(outputs)
                    .with_length(length);
                ZooConfig::Transformer(match self {
                    Self::Paper => config,
                    Self::Quick => config.with_width(128).with_hidden(512),
                })
            }
            (model, _) => unsuited(model, dataset),
        }
    }

    /// Units in each of an MLP's two hidden layers.
    fn width(self, dataset: &Dataset) -> usize {
        let wide = dataset.train.columns > WIDE_INPUT;
        match (self, &dataset.task) {
            (Self::Paper, Task::Regression) => 128,
            (Self::Paper, _) => 1024,
            (Self::Quick, Task::Regression) => 128,
            (Self::Quick, _) if wide => 128,
            (Self::Quick, _) => 32,
        }
    }

    /// The training settings for a model and a data set, with seed 0.
    pub fn training(self, model: Architecture, dataset: &Dataset) -> TrainConfig {
        match (self, model) {
            (_, Architecture::LogisticRegression) => regression(&dataset.task),
            (Self::Quick, model) | (_, model @ Architecture::Onnx) => quick(model, dataset),
            (Self::Paper, model) => paper(model, dataset),
        }
    }
}

impl Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl ZooConfig {
    /// The model's shape for a data set by [`Preset::Quick`], with seed 0.
    ///
    /// # Panics
    ///
    /// If the model cannot read the data set, see [`Architecture::check`].
    pub fn preset(model: Architecture, dataset: &Dataset) -> Self {
        Preset::Quick.network(model, dataset)
    }
}

impl TrainConfig {
    /// The settings of [`Preset::Quick`] for a model and a data set, with seed 0.
    pub fn preset(model: Architecture, dataset: &Dataset) -> Self {
        Preset::Quick.training(model, dataset)
    }
}

fn pictures(
    model: Architecture,
    [channels, height, width]: [usize; 3],
    outputs: usize,
) -> ZooConfig {
    match model {
        Architecture::LeNet => ZooConfig::LeNet(
            LeNetConfig::new()
                .with_channels(channels)
                .with_height(height)
                .with_width(width)
                .with_outputs(outputs),
        ),
        Architecture::AlexNet => ZooConfig::AlexNet(
            AlexNetConfig::new()
                .with_channels(channels)
                .with_height(height)
                .with_width(width)
                .with_outputs(outputs),
        ),
        Architecture::Vgg13 => ZooConfig::Vgg13(
            Vgg13Config::new()
                .with_channels(channels)
                .with_height(height)
                .with_width(width)
                .with_outputs(outputs),
        ),
        Architecture::ResNet20 => ZooConfig::ResNet20(
            ResNet20Config::new()
                .with_channels(channels)
                .with_height(height)
                .with_width(width)
                .with_outputs(outputs),
        ),
        model => panic!("the model `{model}` does not read pictures"),
    }
}

fn unsuited(model: Architecture, dataset: &Dataset) -> ! {
    panic!("the model `{model}` does not read {}", dataset.name)
}

/// L-BFGS until it has converged: a convex problem has one solution.
fn regression(task: &Task) -> TrainConfig {
    TrainConfig {
        optimizer: Optimizer::Lbfgs { tolerance: 1e-10 },
        learning_rate: 1.0,
        schedule: Schedule::Constant,
        batch_size: 4096,
        epochs: 1000,
        weight_decay: match task {
            Task::Binary { .. } => 1e-2,
            _ => 1e-3,
        },
        seed: 0,
    }
}

fn quick(model: Architecture, dataset: &Dataset) -> TrainConfig {
    let momentum = TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.9 },
        learning_rate: 0.05,
        schedule: Schedule::Cosine,
        batch_size: 32,
        epochs: 20,
        weight_decay: 1e-3,
        seed: 0,
    };
    let many = dataset.train.rows > 20_000;
    match (model, &dataset.task) {
        (Architecture::Mlp, Task::Regression) => TrainConfig {
            learning_rate: 0.01,
            epochs: 300,
            ..momentum
        },
        (Architecture::Mlp, _) => TrainConfig {
            epochs: if dataset.train.rows < 5000 { 60 } else { 20 },
            ..momentum
        },
        (Architecture::Autoencoder, _) => TrainConfig {
            optimizer: Optimizer::Adam,
            learning_rate: 0.001,
            batch_size: 128,
            weight_decay: 0.0,
            ..momentum
        },
        (Architecture::Transformer, _) => TrainConfig {
            optimizer: Optimizer::Adam,
            learning_rate: 0.002,
            batch_size: 20,
            epochs: 1,
            weight_decay: 0.0,
            ..momentum
        },
        (Architecture::LeNet, _) => TrainConfig {
            epochs: if many { 2 } else { 10 },
            weight_decay: 5e-4,
            ..momentum
        },
        // From where it was trained to already.
        (Architecture::Onnx, _) => TrainConfig {
            learning_rate: 0.01,
            epochs: if many { 2 } else { 20 },
            weight_decay: 0.0,
            ..momentum
        },
        (model, _) => TrainConfig {
            // At 0.05 its one pass ends before it has recovered from the first steps.
            learning_rate: if model == Architecture::Vgg13 {
                0.01
            } else {
                0.05
            },
            batch_size: 64,
            epochs: match model {
                _ if many => 1,
                Architecture::AlexNet => 5,
                Architecture::ResNet20 => 3,
                _ => 1,
            },
            weight_decay: 5e-4,
            ..momentum
        },
    }
}

fn paper(model: Architecture, dataset: &Dataset) -> TrainConfig {
    let plain = TrainConfig {
        optimizer: Optimizer::Sgd { momentum: 0.0 },
        learning_rate: match dataset.task {
            Task::Regression => 0.03,
            _ => 0.1,
        },
        schedule: Schedule::Constant,
        batch_size: 128,
        epochs: 1000,
        weight_decay: 0.0,
        seed: 0,
    };
    match model {
        Architecture::Autoencoder => TrainConfig {
            optimizer: Optimizer::Sgd { momentum: 0.9 },
            learning_rate: 0.03,
            batch_size: 1024,
            weight_decay: 5e-5,
            ..plain
        },
        Architecture::LeNet
        | Architecture::AlexNet
        | Architecture::Vgg13
        | Architecture::ResNet20 => TrainConfig {
            optimizer: Optimizer::Sgd { momentum: 0.9 },
            learning_rate: match model {
                Architecture::Vgg13 | Architecture::ResNet20 => 0.1,
                _ => 0.01,
            },
            // Coloured pictures stand for CIFAR-10, grey ones for a tenth of MNIST, where the rate stays.
            schedule: match dataset.shape {
                ExampleShape::Picture { channels: 3, .. } => Schedule::Steps {
                    epochs: vec![60, 120, 160],
                    factor: 0.2,
                },
                _ => Schedule::Constant,
            },
            epochs: 200,
            weight_decay: 5e-4,
            ..plain
        },
        Architecture::Transformer => TrainConfig {
            optimizer: Optimizer::Adam,
            learning_rate: 0.001,
            batch_size: 20,
            epochs: 10,
            ..plain
        },
        Architecture::LogisticRegression | Architecture::Mlp | Architecture::Onnx => plain,
    }
}
