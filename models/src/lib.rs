//! The model zoo, its data sets and its training loops.
//!
//! Models follow burn-nn: a config is created, [`init`](MlpConfig::init)ialised on a device, and the module has
//! a `forward` from inputs `[batch, inputs]` to outputs `[batch, outputs]`. [`Zoo`] puts all of them behind one
//! type for programs that choose at run time; [`Network`] is the trait that training asks for, and any module of
//! one's own may implement it. The same config gives the same bits on every call: initial weights are drawn
//! from the config's seed, not from the device's generator.
//!
//! [`data`] holds two embedded data sets and readers for tables, pictures and text; [`train()`] minimises the mean loss
//! plus an L2 term with Burn's optimisers, and [`evaluate`] measures the result; [`weights`] reads and writes files of
//! weights in PyTorch's naming.
//!
//! ```
//! use backdraft_models::{Model, TrainConfig, ZooConfig, data, evaluate, train};
//! use burn::tensor::Device;
//!
//! let dataset = data::cancer();
//! let device = Device::flex();
//! let model = ZooConfig::preset(Model::LogisticRegression, &dataset).init(&device);
//! let config = TrainConfig::preset(Model::LogisticRegression, &dataset);
//! let objective = dataset.task.objective();
//!
//! let trained = train(model, &dataset.train, objective, &config, |_| {})?;
//! let metrics = evaluate(&trained.model, &dataset.test, objective);
//! assert!(metrics.accuracy.unwrap() > 0.95);
//! # Ok::<(), backdraft_models::TrainError>(())
//! ```

pub mod data;
pub mod weights;

mod activation;
mod alexnet;
mod autoencoder;
mod layers;
mod lenet;
mod logistic_regression;
mod metrics;
mod mlp;
mod model;
mod network;
mod objective;
mod picture;
mod preset;
mod resnet20;
mod train;
mod transformer;
mod vgg13;
mod zoo;

pub use activation::Activation;
pub use alexnet::{AlexNet, AlexNetConfig};
pub use autoencoder::{Autoencoder, AutoencoderConfig};
pub use lenet::{LeNet, LeNetConfig};
pub use logistic_regression::{LogisticRegression, LogisticRegressionConfig};
pub use metrics::{Metrics, evaluate, outputs, per_example_losses};
pub use mlp::{Mlp, MlpConfig};
pub use model::{Model, UnknownModel, Unsuited};
pub use network::{Network, computes_in_f64, to_dtype};
pub use objective::{Objective, TargetTensor};
pub use preset::Preset;
pub use resnet20::{ResNet20, ResNet20Config};
pub use train::{
    Checkpoint, CheckpointError, Optimizer, Progress, Schedule, TrainConfig, TrainError,
    TrainState, Trained, Training, train,
};
pub use transformer::{Transformer, TransformerConfig};
pub use vgg13::{Vgg13, Vgg13Config};
pub use zoo::{Zoo, ZooConfig, trainable_parameters};
