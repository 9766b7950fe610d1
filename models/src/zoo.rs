//! Any model of the zoo, chosen at run time.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::alexnet::{AlexNet, AlexNetConfig};
use crate::architecture::Architecture;
use crate::autoencoder::{Autoencoder, AutoencoderConfig};
use crate::lenet::{LeNet, LeNetConfig};
use crate::logistic_regression::{LogisticRegression, LogisticRegressionConfig};
use crate::mlp::{Mlp, MlpConfig};
use crate::named_tensor::tensors;
use crate::network::Network;
use crate::picture::pictures;
use crate::resnet20::{ResNet20, ResNet20Config};
use crate::transformer::{Transformer, TransformerConfig};
use crate::vgg13::{Vgg13, Vgg13Config};

/// Configuration of a [`Zoo`] model.
#[derive(Config, Debug)]
pub enum ZooConfig {
    /// A logistic or linear regression.
    LogisticRegression(LogisticRegressionConfig),
    /// A multilayer perceptron.
    Mlp(MlpConfig),
    /// An autoencoder.
    Autoencoder(AutoencoderConfig),
    /// LeNet.
    LeNet(LeNetConfig),
    /// AlexNet.
    AlexNet(AlexNetConfig),
    /// VGG13.
    Vgg13(Vgg13Config),
    /// ResNet-20.
    ResNet20(ResNet20Config),
    /// A transformer.
    Transformer(TransformerConfig),
}

impl ZooConfig {
    /// The size that the model is known by: for a tenth of MNIST or all of it (784 inputs or 28 by 28 grey pixels),
    /// CIFAR-10, or the Penn Treebank's 10,000 words in sequences of 35.
    pub fn published(model: Architecture) -> Self {
        match model {
            Architecture::LogisticRegression => {
                Self::LogisticRegression(LogisticRegressionConfig::new(784, 10))
            }
            Architecture::Mlp => Self::Mlp(MlpConfig::new(784, 10).with_hidden(vec![1024, 1024])),
            Architecture::Autoencoder => Self::Autoencoder(AutoencoderConfig::new()),
            Architecture::LeNet => Self::LeNet(LeNetConfig::new()),
            Architecture::AlexNet => Self::AlexNet(AlexNetConfig::new()),
            Architecture::Vgg13 => Self::Vgg13(Vgg13Config::new()),
            Architecture::ResNet20 => Self::ResNet20(ResNet20Config::new()),
            Architecture::Transformer => Self::Transformer(TransformerConfig::new()),
        }
    }

    /// The same configuration with another seed of the initial weights.
    pub fn with_seed(self, seed: u64) -> Self {
        match self {
            Self::LogisticRegression(config) => Self::LogisticRegression(config.with_seed(seed)),
            Self::Mlp(config) => Self::Mlp(config.with_seed(seed)),
            Self::Autoencoder(config) => Self::Autoencoder(config.with_seed(seed)),
            Self::LeNet(config) => Self::LeNet(config.with_seed(seed)),
            Self::AlexNet(config) => Self::AlexNet(config.with_seed(seed)),
            Self::Vgg13(config) => Self::Vgg13(config.with_seed(seed)),
            Self::ResNet20(config) => Self::ResNet20(config.with_seed(seed)),
            Self::Transformer(config) => Self::Transformer(config.with_seed(seed)),
        }
    }

    /// Which model this configures.
    pub fn model(&self) -> Architecture {
        match self {
            Self::LogisticRegression(_) => Architecture::LogisticRegression,
            Self::Mlp(_) => Architecture::Mlp,
            Self::Autoencoder(_) => Architecture::Autoencoder,
            Self::LeNet(_) => Architecture::LeNet,
            Self::AlexNet(_) => Architecture::AlexNet,
            Self::Vgg13(_) => Architecture::Vgg13,
            Self::ResNet20(_) => Architecture::ResNet20,
            Self::Transformer(_) => Architecture::Transformer,
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
            Self::Autoencoder(config) => Zoo::Autoencoder(config.init(device)),
            Self::LeNet(config) => Zoo::LeNet(config.init(device)),
            Self::AlexNet(config) => Zoo::AlexNet(config.init(device)),
            Self::Vgg13(config) => Zoo::Vgg13(config.init(device)),
            Self::ResNet20(config) => Zoo::ResNet20(config.init(device)),
            Self::Transformer(config) => Zoo::Transformer(config.init(device)),
        }
    }
}

/// Any model of the zoo, chosen at run time.
// There are but a few such values in a program.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Zoo {
    /// A logistic or linear regression.
    LogisticRegression(LogisticRegression),
    /// A multilayer perceptron.
    Mlp(Mlp),
    /// An autoencoder.
    Autoencoder(Autoencoder),
    /// LeNet.
    LeNet(LeNet),
    /// AlexNet.
    AlexNet(AlexNet),
    /// VGG13.
    Vgg13(Vgg13),
    /// ResNet-20.
    ResNet20(ResNet20),
    /// A transformer.
    Transformer(Transformer),
}

impl Zoo {
    /// Which model this is.
    pub fn model(&self) -> Architecture {
        match self {
            Self::LogisticRegression(_) => Architecture::LogisticRegression,
            Self::Mlp(_) => Architecture::Mlp,
            Self::Autoencoder(_) => Architecture::Autoencoder,
            Self::LeNet(_) => Architecture::LeNet,
            Self::AlexNet(_) => Architecture::AlexNet,
            Self::Vgg13(_) => Architecture::Vgg13,
            Self::ResNet20(_) => Architecture::ResNet20,
            Self::Transformer(_) => Architecture::Transformer,
        }
    }

    /// From rows of numbers `[batch, inputs]` to outputs `[batch, outputs]`; [`Network::forward`] says what the numbers
    /// are.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        match self {
            Self::LogisticRegression(model) => Network::forward(model, inputs),
            Self::Mlp(model) => Network::forward(model, inputs),
            Self::Autoencoder(model) => Network::forward(model, inputs),
            Self::LeNet(model) => Network::forward(model, inputs),
            Self::AlexNet(model) => Network::forward(model, inputs),
            Self::Vgg13(model) => Network::forward(model, inputs),
            Self::ResNet20(model) => Network::forward(model, inputs),
            Self::Transformer(model) => Network::forward(model, inputs),
        }
    }
}

/// Numbers that training changes: the running statistics of batch normalisation do not count.
pub fn trainable_parameters<M: Module>(module: &M) -> usize {
    // A module without autodiff requires no gradients.
    let all = tensors(&module.valid().train()).into_iter();
    let trainable = all.filter(|tensor| tensor.trainable);
    trainable.map(|tensor| tensor.shape.num_elements()).sum()
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

impl Network for Autoencoder {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }
}

impl Network for LeNet {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(pictures(inputs, self.picture))
    }

    fn batch(&self) -> usize {
        Architecture::LeNet.pass()
    }
}

impl Network for AlexNet {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(pictures(inputs, self.picture))
    }

    fn batch(&self) -> usize {
        Architecture::AlexNet.pass()
    }
}

impl Network for Vgg13 {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(pictures(inputs, self.picture))
    }

    fn batch(&self) -> usize {
        Architecture::Vgg13.pass()
    }
}

impl Network for ResNet20 {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(pictures(inputs, self.picture))
    }

    fn batch(&self) -> usize {
        Architecture::ResNet20.pass()
    }
}

impl Network for Transformer {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs.int())
    }

    fn batch(&self) -> usize {
        Architecture::Transformer.pass()
    }
}

impl Network for Zoo {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }

    fn batch(&self) -> usize {
        self.model().pass()
    }
}
