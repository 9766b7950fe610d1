//! The model zoo, its data sets and its training loops.
//!
//! Models follow burn-nn: a config is created, [`init`](MlpConfig::init)ialised on a device, and the module has
//! a `forward` from a batch of inputs to outputs `[batch, outputs]`, one row an example. The same config gives the same
//! bits on every call: initial weights are drawn from the config's seed, not from the device's generator.
//!
//! | name | model | inputs | parameters |
//! |---|---|---|---|
//! | `lr` | [`LogisticRegression`] | `[batch, inputs]` | 7,850 for 784 inputs, ten classes |
//! | `mlp` | [`Mlp`] | `[batch, inputs]` | 1,863,690 for 784-1024-1024-10 |
//! | `autoencoder` | [`Autoencoder`] | `[batch, inputs]` | 2,837,314 |
//! | `lenet` | [`LeNet`] | `[batch, channels, height, width]` | 61,706 for 28x28 grey pixels |
//! | `alexnet` | [`AlexNet`] | `[batch, channels, height, width]` | 2,472,266 for 32x32 coloured ones |
//! | `vgg13` | [`Vgg13`] | `[batch, channels, height, width]` | 9,416,010 for the same |
//! | `resnet20` | [`ResNet20`] | `[batch, channels, height, width]` | 269,722 for the same |
//! | `transformer` | [`Transformer`] | `[batch, sequence]` of words | 6,718,992 for 10,000 words |
//!
//! [`OnnxConfig`] reads any other network from an ONNX file. [`Zoo`] puts all of them behind one type for programs that choose at run time, with rows of numbers as inputs
//! whatever they are;
//! [`Network`] is the trait that training asks for, and any module of one's own may implement it. [`Preset`] has a size
//! and training settings for each model and data set: those of Bae et al. (2022), and quick ones.
//!
//! Batch normalisation uses the statistics of the batch while a model is trained, and updates running ones; those are
//! constants in everything that comes after: measurements, curvature and response functions.
//!
//! [`data`] holds two embedded data sets and readers for tables, pictures and text; [`train()`] minimises the mean loss
//! plus an L2 term by SGD, Adam or L-BFGS; [`Training`] does so step by step, can be stored between steps, and goes on
//! to the same bits; and
//! [`evaluate`] measures the result; [`weights`] reads and writes files of weights in PyTorch's naming.
//!
//! ```
//! use backdraft_models::{Architecture, TrainConfig, ZooConfig, data, evaluate, train};
//! use burn::tensor::Device;
//!
//! let dataset = data::cancer();
//! let device = Device::flex();
//! let model = ZooConfig::preset(Architecture::LogisticRegression, &dataset).init(&device);
//! let config = TrainConfig::preset(Architecture::LogisticRegression, &dataset);
//! let objective = dataset.objective();
//!
//! let trained = train(model, &dataset.train, objective, &config, |_| {})?;
//! let metrics = evaluate(&trained.model, &dataset.test, objective);
//! assert!(metrics.accuracy.unwrap() > 0.95);
//! # Ok::<(), backdraft_models::TrainError>(())
//! ```

pub mod data;
pub mod quote;
pub mod weights;

mod activation;
mod alexnet;
mod architecture;
mod autoencoder;
mod criterion;
mod layers;
mod lenet;
mod logistic_regression;
mod metrics;
mod mlp;
mod named_tensor;
mod network;
mod number;
mod objective;
mod onnx;
mod parameter_count;
mod picture;
mod preset;
mod resnet20;
mod train;
mod transformer;
mod vgg13;
mod zoo;

pub use activation::Activation;
pub use alexnet::{AlexNet, AlexNetConfig};
pub use architecture::{Architecture, UnknownModel, Unsuited};
pub use autoencoder::{Autoencoder, AutoencoderConfig};
pub use backdraft_onnx::{OnnxError, OnnxModel};
pub use layers::normals;
pub use lenet::{LeNet, LeNetConfig};
pub use logistic_regression::{LogisticRegression, LogisticRegressionConfig};
pub use metrics::{
    Metrics, evaluate, output_distance, outputs, per_example_losses, predicted_classes,
};
pub use mlp::{Mlp, MlpConfig};
pub use network::{Network, computes_in_f64, to_dtype};
pub use objective::Objective;
pub use onnx::{OnnxConfig, OnnxUnsuited};
pub use preset::Preset;
pub use resnet20::{ResNet20, ResNet20Config};
pub use train::{
    Checkpoint, CheckpointError, Optimizer, Schedule, TrainConfig, TrainError, TrainProgress,
    TrainState, Trained, Training, numbers, train, with_numbers,
};
pub use transformer::{Transformer, TransformerConfig};
pub use vgg13::{Vgg13, Vgg13Config};
pub use zoo::{Zoo, ZooConfig, trainable_parameters};
