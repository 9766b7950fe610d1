use std::fmt::{self, Display};
use std::str::FromStr;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::logistic_regression::{LogisticRegression, LogisticRegressionConfig};
use crate::mlp::{Mlp, MlpConfig};
use crate::network::Network;

/// The models by name, as a command line offers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// [`LogisticRegression`], `lr`.
    LogisticRegression,
    /// [`Mlp`], `mlp`.
    Mlp,
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model `{0}`: use lr or mlp")]
pub struct UnknownModel(pub String);

impl Model {
    /// Every model there is.
    pub const ALL: [Self; 2] = [Self::LogisticRegression, Self::Mlp];

    /// The short name, which [`from_str`](FromStr::from_str) reads back.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogisticRegression => "lr",
            Self::Mlp => "mlp",
        }
    }
}

impl Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|model| model.name() == name)
            .ok_or_else(|| UnknownModel(name.to_owned()))
    }
}

/// Inputs above which the default MLP is wider.
const WIDE_INPUT: usize = 256;

/// Configuration of a [`Zoo`] model.
#[derive(Config, Debug)]
pub enum ZooConfig {
    /// A logistic or linear regression.
    LogisticRegression(LogisticRegressionConfig),
    /// A multilayer perceptron.
    Mlp(MlpConfig),
}

impl ZooConfig {
    /// The model's default shape for a data set, with seed 0: an MLP has two hidden layers of 32 units, or of
    /// 128 for more than 256 inputs.
    pub fn preset(model: Model, dataset: &Dataset) -> Self {
        let (inputs, outputs) = (dataset.train.columns, dataset.task.outputs());
        match model {
            Model::LogisticRegression => {
                Self::LogisticRegression(LogisticRegressionConfig::new(inputs, outputs))
            }
            Model::Mlp => {
                let width = if inputs > WIDE_INPUT { 128 } else { 32 };
                Self::Mlp(MlpConfig::new(inputs, outputs).with_hidden(vec![width; 2]))
            }
        }
    }

    /// The same configuration with another seed of the initial weights.
    pub fn with_seed(self, seed: u64) -> Self {
        match self {
            Self::LogisticRegression(config) => Self::LogisticRegression(config.with_seed(seed)),
            Self::Mlp(config) => Self::Mlp(config.with_seed(seed)),
        }
    }

    /// Which model this configures.
    pub fn model(&self) -> Model {
        match self {
            Self::LogisticRegression(_) => Model::LogisticRegression,
            Self::Mlp(_) => Model::Mlp,
        }
    }

    /// The model with its initial weights on `device`.
    ///
    /// # Panics
    ///
    /// If a width is zero.
    pub fn init(&self, device: &Device) -> Zoo {
        match self {
            Self::LogisticRegression(config) => Zoo::LogisticRegression(config.init(device)),
            Self::Mlp(config) => Zoo::Mlp(config.init(device)),
        }
    }
}

/// Any model of the zoo, chosen at run time.
#[derive(Module, Debug)]
pub enum Zoo {
    /// A logistic or linear regression.
    LogisticRegression(LogisticRegression),
    /// A multilayer perceptron.
    Mlp(Mlp),
}

impl Zoo {
    /// Which model this is.
    pub fn model(&self) -> Model {
        match self {
            Self::LogisticRegression(_) => Model::LogisticRegression,
            Self::Mlp(_) => Model::Mlp,
        }
    }

    /// From inputs `[batch, inputs]` to outputs `[batch, outputs]`.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        match self {
            Self::LogisticRegression(model) => model.forward(inputs),
            Self::Mlp(model) => model.forward(inputs),
        }
    }
}

impl Network for LogisticRegression {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }
}

impl Network for Mlp {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }
}

impl Network for Zoo {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }
}
