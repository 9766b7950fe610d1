//! The network that is asked for.

use std::{num::NonZeroUsize, path::PathBuf};

use backdraft_models::{Activation, Architecture, OnnxConfig, Preset, ZooConfig, data::Dataset};
use burn::tensor::Device;
use clap::{Args, ValueEnum};

use super::number::{some, width};
use crate::{CliError, failure::Remedy};

/// Which network, and how much of it is held at once.
#[derive(Clone, Debug, Args)]
pub(crate) struct ModelArgs {
    /// The model: `mlp` (two hidden layers), `lr` (logistic or linear regression), or another of `backdraft models`.
    #[arg(
        id = "model",
        long = "model",
        value_name = "NAME",
        default_value = "mlp"
    )]
    pub name: String,

    /// The network of an ONNX file, as PyTorch, JAX, TensorFlow and scikit-learn write them, in place of one of the zoo:
    /// with the file's weights, which `train` and the experiments train on from. A softmax or sigmoid at its end is left
    /// out, for the loss is of what goes into it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["model", "hidden", "activation"])]
    pub onnx: Option<PathBuf>,

    /// Widths of the MLP's hidden layers. Default: the preset's; without a preset 32,32 for classes of tables and small
    /// images, else 128,128.
    #[arg(long, value_name = "W1,W2,..", value_delimiter = ',', value_parser = width, allow_hyphen_values = true)]
    pub hidden: Option<Vec<usize>>,

    /// The MLP's activation function.
    #[arg(long, value_enum)]
    pub activation: Option<ActivationName>,

    /// Examples that go through the network at once: fewer need less memory, and change numbers by rounding alone (but
    /// not with batch normalisation). Default: 1024 rows of a table, 250 pictures or 20 sequences; for train all of a
    /// step.
    #[arg(long, value_name = "N", value_parser = some, allow_hyphen_values = true)]
    pub pass: Option<NonZeroUsize>,
}

impl ModelArgs {
    pub fn kind(&self) -> Result<Architecture, CliError> {
        match self.onnx {
            Some(_) => Ok(Architecture::Onnx),
            None => Ok(self.name.parse()?),
        }
    }

    /// The preset's network for the data, with what the options say; or that of a file, which may have a logit for each
    /// of two classes: then so has `dataset`.
    pub fn network(
        &self,
        preset: Preset,
        dataset: &mut Dataset,
        device: &Device,
        seed: u64,
    ) -> Result<ZooConfig, CliError> {
        if let Some(path) = &self.onnx {
            let network = OnnxConfig::open(path, device)?;
            network.fit(dataset)?;
            return Ok(ZooConfig::Onnx(network));
        }
        let kind = self.kind()?;
        kind.check(dataset)?;
        let mut network = preset.network(kind, dataset).with_seed(seed);
        if let ZooConfig::Mlp(config) = &mut network {
            if let Some(hidden) = &self.hidden {
                config.hidden.clone_from(hidden);
            }
            config.activation = self.activation.map_or(config.activation, Into::into);
            return Ok(network);
        }
        let given = [
            ("--hidden", "layers", self.hidden.is_some()),
            ("--activation", "functions", self.activation.is_some()),
        ];
        match given.into_iter().find(|(_, _, given)| *given) {
            Some((option, what, _)) => Err(CliError::Option {
                option,
                problem: format!("is for the mlp: the other models' {what} are fixed"),
            }),
            None => Ok(network),
        }
    }

    /// The option that makes a network large.
    pub fn size_option(&self) -> &'static str {
        match (&self.onnx, &self.hidden) {
            (Some(_), _) => "--onnx",
            (None, Some(_)) => "--hidden",
            (None, None) => "--model",
        }
    }

    /// What takes less memory where `examples` go through the network at once if no option says otherwise.
    pub fn remedy(&self, examples: usize) -> Remedy {
        Remedy {
            option: "--pass",
            examples: self.pass.map_or(examples, NonZeroUsize::get),
            resumes: true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ActivationName {
    Relu,
    Tanh,
    Sigmoid,
    Gelu,
}

impl From<ActivationName> for Activation {
    fn from(name: ActivationName) -> Self {
        match name {
            ActivationName::Relu => Self::Relu,
            ActivationName::Tanh => Self::Tanh,
            ActivationName::Sigmoid => Self::Sigmoid,
            ActivationName::Gelu => Self::Gelu,
        }
    }
}
