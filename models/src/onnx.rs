//! Networks of ONNX files among the models of the zoo.

use std::fs;
use std::path::{Path, PathBuf};

use backdraft_onnx::{OnnxDim, OnnxElement, OnnxError, OnnxModel, OnnxPort, OnnxProblem};
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::data::{Dataset, ExampleShape, Task};
use crate::named_tensor::tensors;
use crate::network::{placement, to_dtype};
use crate::quote;

/// Configuration of a network of an ONNX file: which file, and what was read of it. Its initial weights are the file's,
/// whatever the seed, in f32.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "OnnxFile", try_from = "OnnxFile")]
pub struct OnnxConfig {
    file: OnnxFile,
    model: OnnxModel,
}

/// What is written of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct OnnxFile {
    path: PathBuf,
    /// The file's SHA-256.
    digest: String,
}

/// A network of an ONNX file that is not for a data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {found}, and {} {wanted}", quote::path(.path), quote::text(.name))]
pub struct OnnxUnsuited {
    /// The file.
    pub path: PathBuf,
    /// What the network reads or gives.
    pub found: String,
    /// The data set.
    pub name: String,
    /// What it would have to read or give.
    pub wanted: String,
}

impl OnnxConfig {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`OnnxError`] for what cannot be read, is no ONNX file, or holds what is not supported.
    pub fn open(path: &Path, device: &Device) -> Result<Self, OnnxError> {
        let model = OnnxModel::load(path, device)?;
        let bytes = fs::read(path).map_err(|error| OnnxError {
            path: path.to_owned(),
            problem: OnnxProblem::Read(error),
        })?;
        Ok(Self {
            model,
            file: OnnxFile {
                path: path.to_owned(),
                digest: format!("{:x}", Sha256::digest(bytes)),
            },
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// Numbers of an example, its inputs one after another; none where the file leaves them open, as of sequences of any
    /// length.
    pub fn columns(&self) -> Option<usize> {
        let length = |dim: &OnnxDim| match dim {
            OnnxDim::Fixed(length) => Some(*length),
            OnnxDim::Free(_) => None,
        };
        let of = |input: &OnnxPort| -> Option<usize> {
            let (_batch, axes) = input.shape.split_first()?;
            axes.iter().map(length).product()
        };
        self.model.inputs().iter().map(of).sum()
    }

    /// Whether an example is a sequence of tokens.
    pub fn reads_tokens(&self) -> bool {
        let mut inputs = self.model.inputs().iter();
        inputs.all(|it| it.element == OnnxElement::Int)
    }

    /// As it was read: on its device, in its own element type.
    pub fn model(&self) -> &OnnxModel {
        &self.model
    }

    /// The network with the file's weights on `device`, in f32.
    pub fn init(&self, device: &Device) -> OnnxModel {
        let model = self.model.clone().fork(device);
        let model = match placement(&model).1 {
            DType::F32 => model,
            _ => to_dtype(model, DType::F32),
        };
        model.train()
    }

    /// The same: a file has no seed.
    pub fn with_seed(self, _seed: u64) -> Self {
        self
    }

    /// Numbers that training changes.
    pub fn parameters(&self) -> u128 {
        let sizes = tensors(&self.model.valid().train()).into_iter();
        let trainable = sizes.filter(|tensor| tensor.trainable);
        trainable.map(|it| it.shape.num_elements() as u128).sum()
    }

    /// Whether the network can read a data set, and has the outputs for its task. Two classes may have one output or
    /// two: `dataset` is told which.
    ///
    /// # Errors
    ///
    /// [`OnnxUnsuited`], which says what does not fit.
    pub fn fit(&self, dataset: &mut Dataset) -> Result<(), OnnxUnsuited> {
        let unsuited = |found: String, wanted: String| OnnxUnsuited {
            path: self.file.path.clone(),
            found,
            name: dataset.name.clone(),
            wanted,
        };
        let columns = dataset.train.columns;
        if let Some(wanted) = self.columns()
            && wanted != columns
        {
            return Err(unsuited(
                format!("reads {wanted} numbers an example"),
                format!("has {columns}"),
            ));
        }
        let outputs = self.outputs(columns).map_err(|error| {
            let found = format!(
                "cannot be run on {columns} numbers an example ({})",
                error.problem
            );
            unsuited(found, "has as many".into())
        })?;
        let places = match dataset.shape {
            ExampleShape::Tokens { length } => length,
            _ => 1,
        };
        let wanted = dataset.task.outputs() * places;
        if outputs == wanted {
            return Ok(());
        }
        if matches!(dataset.task, Task::Binary { .. }) && outputs == 2 {
            dataset.task = dataset.task.clone().with_logit_for_each();
            return Ok(());
        }
        Err(unsuited(
            format!("gives {outputs} outputs an example"),
            format!("needs {wanted}"),
        ))
    }

    /// Outputs of an example of so many numbers.
    ///
    /// # Errors
    ///
    /// [`OnnxError`] if the network cannot be run on them.
    pub fn outputs(&self, columns: usize) -> Result<usize, OnnxError> {
        let (device, dtype) = placement(&self.model);
        let zeros = Tensor::<2>::zeros([1, columns], (&device, dtype));
        Ok(self.model.valid().try_forward(zeros)?.dims()[1])
    }
}

impl From<OnnxConfig> for OnnxFile {
    fn from(config: OnnxConfig) -> Self {
        config.file
    }
}

impl TryFrom<OnnxFile> for OnnxConfig {
    type Error = String;

    fn try_from(file: OnnxFile) -> Result<Self, String> {
        Err(format!(
            "the network of {} is read from that file, by `OnnxConfig::open`",
            quote::path(&file.path)
        ))
    }
}
