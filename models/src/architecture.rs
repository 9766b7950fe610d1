//! The zoo's architectures by name.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::{Dataset, ExampleShape};
use crate::objective::Objective;
use crate::quote;

/// An architecture of the zoo, by the name that a command line offers it under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// [`LogisticRegression`](crate::LogisticRegression), `lr`.
    LogisticRegression,
    /// [`Mlp`](crate::Mlp), `mlp`.
    Mlp,
    /// [`Autoencoder`](crate::Autoencoder), `autoencoder`.
    Autoencoder,
    /// [`LeNet`](crate::LeNet), `lenet`.
    LeNet,
    /// [`AlexNet`](crate::AlexNet), `alexnet`.
    AlexNet,
    /// [`Vgg13`](crate::Vgg13), `vgg13`.
    Vgg13,
    /// [`ResNet20`](crate::ResNet20), `resnet20`.
    ResNet20,
    /// [`Transformer`](crate::Transformer), `transformer`.
    Transformer,
    /// A network of an ONNX file, [`OnnxConfig`](crate::OnnxConfig): none of the zoo.
    Onnx,
}

/// A name that is no model's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model `{}`: use {names}", quote::text(.0), names = names())]
pub struct UnknownModel(pub String);

/// A model that cannot read a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model `{model}` reads {wanted}, and {name} holds {found}; use one of {others} for it", name = quote::text(.name))]
pub struct Unsuited {
    /// The model.
    pub model: Architecture,
    /// What it reads.
    pub wanted: &'static str,
    /// The data set's name.
    pub name: String,
    /// What the data set holds.
    pub found: &'static str,
    /// The models that can read it.
    pub others: String,
}

impl Architecture {
    /// Every model of the zoo.
    pub const ALL: [Self; 8] = [
        Self::LogisticRegression,
        Self::Mlp,
        Self::Autoencoder,
        Self::LeNet,
        Self::AlexNet,
        Self::Vgg13,
        Self::ResNet20,
        Self::Transformer,
    ];

    /// The short name, which [`from_str`](FromStr::from_str) reads back.
    pub fn name(self) -> &'static str {
        match self {
            Self::LogisticRegression => "lr",
            Self::Mlp => "mlp",
            Self::Autoencoder => "autoencoder",
            Self::LeNet => "lenet",
            Self::AlexNet => "alexnet",
            Self::Vgg13 => "vgg13",
            Self::ResNet20 => "resnet20",
            Self::Transformer => "transformer",
            Self::Onnx => "onnx",
        }
    }

    /// What the model is, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::LogisticRegression => "logistic or linear regression",
            Self::Mlp => "multilayer perceptron, two hidden layers",
            Self::Autoencoder => "784-1000-500-250-30 and back, sigmoid",
            Self::LeNet => "two convolutions, three layers",
            Self::AlexNet => "five convolutions, one layer",
            Self::Vgg13 => "ten convolutions with batch norm, one layer",
            Self::ResNet20 => "residual network of 20 layers with batch norm",
            Self::Transformer => "language model of two layers, 256 wide, two heads",
            Self::Onnx => "network of an ONNX file",
        }
    }

    /// What the model reads.
    pub fn reads(self) -> &'static str {
        match self {
            Self::LogisticRegression | Self::Mlp => "tables and pictures",
            Self::Autoencoder => "pictures with pixels between 0 and 1",
            Self::LeNet | Self::AlexNet | Self::Vgg13 | Self::ResNet20 => "pictures",
            Self::Transformer => "text",
            Self::Onnx => "what its file was made for",
        }
    }

    /// Examples in one pass through the network outside training, unless a caller chooses: bounds memory. Fewer
    /// pictures and sequences than rows of a table, for their layers' outputs are larger, or a sequence's have a number
    /// for each word at each place.
    pub fn pass(self) -> usize {
        match self {
            Self::LogisticRegression | Self::Mlp | Self::Autoencoder => 1024,
            Self::LeNet | Self::AlexNet | Self::Vgg13 | Self::ResNet20 | Self::Onnx => 250,
            Self::Transformer => 20,
        }
    }

    /// The loss that the model is trained with on some data: that of the data, and the autoencoder's own.
    pub fn objective(self, dataset: &Dataset) -> Objective {
        match self {
            Self::Autoencoder => Objective::Reconstruction,
            _ => dataset.objective(),
        }
    }

    /// Whether the model can read a data set; whether a network of an ONNX file can is for
    /// [`OnnxConfig::fit`](crate::OnnxConfig::fit) to say.
    ///
    /// # Errors
    ///
    /// [`Unsuited`], which names the models that can.
    pub fn check(self, dataset: &Dataset) -> Result<(), Unsuited> {
        if self.suits(dataset) {
            return Ok(());
        }
        let others: Vec<&str> = Self::ALL
            .into_iter()
            .filter(|model| model.suits(dataset))
            .map(Self::name)
            .collect();
        Err(Unsuited {
            model: self,
            wanted: self.reads(),
            name: dataset.name.clone(),
            found: match dataset.shape {
                ExampleShape::Flat { .. } => "a table",
                ExampleShape::Picture { .. } if self == Self::Autoencoder => {
                    "pictures with other pixels"
                }
                ExampleShape::Picture { .. } => "pictures",
                ExampleShape::Tokens { .. } => "text",
            },
            others: others.join(", "),
        })
    }

    fn suits(self, dataset: &Dataset) -> bool {
        let picture = matches!(dataset.shape, ExampleShape::Picture { .. });
        let text = matches!(dataset.shape, ExampleShape::Tokens { .. });
        match self {
            Self::LogisticRegression | Self::Mlp => !text,
            Self::LeNet | Self::AlexNet | Self::Vgg13 | Self::ResNet20 => picture,
            Self::Autoencoder => {
                let pixels = |features: &[f32]| features.iter().all(|x| (0.0..=1.0).contains(x));
                picture && pixels(&dataset.train.features) && pixels(&dataset.test.features)
            }
            Self::Transformer => text,
            Self::Onnx => true,
        }
    }
}

impl Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Architecture {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|model| model.name() == name)
            .ok_or_else(|| UnknownModel(name.to_owned()))
    }
}

/// All names, in a sentence.
fn names() -> String {
    let [rest @ .., last] = Architecture::ALL.map(Architecture::name);
    format!("{} or {last}", rest.join(", "))
}
