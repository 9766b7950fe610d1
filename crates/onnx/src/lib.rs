//! Networks from ONNX files, as Burn modules.
//!
//! [`OnnxModel::load`] reads a file that PyTorch, TensorFlow, JAX or scikit-learn wrote, when a program runs, and gives
//! a module whose parameters are those of the file, under the file's names.
//!
//! ```no_run
//! use backdraft_onnx::OnnxModel;
//! use burn::tensor::{Device, Tensor};
//!
//! let device = Device::default();
//! let network = OnnxModel::load("classifier.onnx", &device)?;
//! println!("{} -> {}", network.inputs()[0], network.output());
//! // A row an example, whatever shape the file gives an example.
//! let logits = network.forward(Tensor::zeros([8, 3 * 32 * 32], &device));
//! # Ok::<(), backdraft_onnx::OnnxError>(())
//! ```
//!
//! # What is a parameter
//!
//! Each float initializer that the output depends on, but for
//!
//! - running means and variances of batch norm, which are kept with the parameters, and are constants;
//! - bounds, exponents and whatever else is a constant by its place;
//! - single numbers that are no weight, scale or bias of a layer: exporters take such out of the code;
//! - masks: tensors with infinite numbers, or numbers beyond `1e30`.
//!
//! [`OnnxOptions`] says otherwise by name. What is in the file is what counts: where an exporter has folded batch norm
//! into a convolution, or stored two equal tensors once, the parameters are the folded ones, and the one.
//!
//! # What is computed
//!
//! Floats are computed in the type of the parameters: 64 bits if one of them has 64, and 32 otherwise, also where the
//! file has 16. A module that is cast to another type computes in that. Shapes, and whatever else depends on no number
//! of an input and on no parameter, are computed on the host, so that any batch can be run, and derivatives are only of
//! what is left. It is inference: no dropout, and batch norm with its running statistics.
//!
//! The output is the first that holds floating-point numbers. A softmax, log-softmax or sigmoid at its end is left out,
//! because losses are of logits, and [`OnnxModel::cut`] tells; so is what scikit-learn makes of a sigmoid for two
//! classes. [`OnnxOptions::output`] names another tensor, which is then taken as it is.
//!
//! docs/onnx.md lists the operators. Any other, and any attribute that would change something and is not read, is an
//! error that names the node, before anything is computed.

mod display;
mod error;
mod file;
mod graph;
mod host;
mod load;
mod model;
mod operator;
mod options;
mod port;
mod rows;
mod value;
mod weight;

pub use error::{OnnxError, OnnxProblem};
pub use model::{OnnxModel, OnnxParameter};
pub use options::OnnxOptions;
pub use port::{OnnxDim, OnnxElement, OnnxPort};
