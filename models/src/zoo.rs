//! Any model of the zoo, chosen at run time.

use backdraft_onnx::OnnxModel;
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
use crate::onnx::OnnxConfig;
use crate::picture::pictures;
use crate::resnet20::{ResNet20, ResNet20Config};
use crate::transformer::{Transformer, TransformerConfig};
use crate::vgg13::{Vgg13, Vgg13Config};

/// The models, their configurations, and how each makes outputs `[batch, outputs]` of rows of numbers `[batch,
/// inputs]`.
macro_rules! zoo {
    ($($(#[$doc:meta])* $model:ident($module:ident, $config:ident): |$it:ident, $inputs:ident| $outputs:expr;)*) => {
        /// Configuration of a [`Zoo`] model.
        #[derive(Config, Debug)]
        pub enum ZooConfig {
            $($(#[$doc])* $model($config),)*
        }

        impl ZooConfig {
            /// The same configuration with another seed of the initial weights.
            pub fn with_seed(self, seed: u64) -> Self {
                match self {
                    $(Self::$model(config) => Self::$model(config.with_seed(seed)),)*
                }
            }

            /// Which model this configures.
            pub fn model(&self) -> Architecture {
                match self {
                    $(Self::$model(_) => Architecture::$model,)*
                }
            }

            /// The model with its initial weights on `device`.
            ///
            /// # Panics
            ///
            /// If a width is zero.
            pub fn init(&self, device: &Device) -> Zoo {
                match self {
                    $(Self::$model(config) => Zoo::$model(config.init(device)),)*
                }
            }
        }

        /// Any model of the zoo, chosen at run time.
        // There are but a few such values in a program.
        #[allow(clippy::large_enum_variant)]
        #[derive(Module, Debug)]
        pub enum Zoo {
            $($(#[$doc])* $model($module),)*
        }

        impl Zoo {
            /// Which model this is.
            pub fn model(&self) -> Architecture {
                match self {
                    $(Self::$model(_) => Architecture::$model,)*
                }
            }

            /// From rows of numbers `[batch, inputs]` to outputs `[batch, outputs]`; [`Network::forward`] says what the
            /// numbers are.
            pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
                match self {
                    $(Self::$model(model) => Network::forward(model, inputs),)*
                }
            }
        }

        $(impl Network for $module {
            fn forward(&self, $inputs: Tensor<2>) -> Tensor<2> {
                let $it = self;
                $outputs
            }

            fn batch(&self) -> usize {
                Architecture::$model.pass()
            }
        })*
    };
}

zoo! {
    /// A logistic or linear regression.
    LogisticRegression(LogisticRegression, LogisticRegressionConfig): |it, inputs| it.forward(inputs);
    /// A multilayer perceptron.
    Mlp(Mlp, MlpConfig): |it, inputs| it.forward(inputs);
    /// An autoencoder.
    Autoencoder(Autoencoder, AutoencoderConfig): |it, inputs| it.forward(inputs);
    /// LeNet.
    LeNet(LeNet, LeNetConfig): |it, inputs| it.forward(pictures(inputs, it.picture));
    /// AlexNet.
    AlexNet(AlexNet, AlexNetConfig): |it, inputs| it.forward(pictures(inputs, it.picture));
    /// VGG13.
    Vgg13(Vgg13, Vgg13Config): |it, inputs| it.forward(pictures(inputs, it.picture));
    /// ResNet-20.
    ResNet20(ResNet20, ResNet20Config): |it, inputs| it.forward(pictures(inputs, it.picture));
    /// A transformer.
    Transformer(Transformer, TransformerConfig): |it, inputs| it.forward(inputs.int());
    /// A network of an ONNX file.
    Onnx(OnnxModel, OnnxConfig): |it, inputs| it.forward(inputs);
}

impl ZooConfig {
    /// The size that the model is known by: for a tenth of MNIST or all of it (784 inputs or 28 by 28 grey pixels),
    /// CIFAR-10, or the Penn Treebank's 10,000 words in sequences of 35.
    ///
    /// # Panics
    ///
    /// For [`Architecture::Onnx`], which has no size before its file is read.
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
            Architecture::Onnx => panic!("a network of an ONNX file is read by `OnnxConfig::open`"),
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

impl Network for Zoo {
    fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.forward(inputs)
    }

    fn batch(&self) -> usize {
        self.model().pass()
    }
}
