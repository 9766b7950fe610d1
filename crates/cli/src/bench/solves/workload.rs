//! The networks and examples of `bench solves`, from files.

use std::{collections::HashMap, fs, path::Path};

use backdraft_curvature::{Cost, CrossEntropy, Model, SquaredError};
use backdraft_models::{Mlp, MlpConfig};
use burn::{
    module::{Module, ModuleMapper, Param},
    tensor::{DType, Device, Int, Tensor, TensorData},
};
use safetensors::SafeTensors;

use super::args::SolveWorkload;
use crate::CliError;

/// A network with its training examples and its queries.
pub(in crate::bench) struct LoadedProblem {
    pub train: Cost,
    pub queries: Cost,
}

impl SolveWorkload {
    pub(in crate::bench) fn load(
        self,
        folder: &Path,
        queries: Option<usize>,
        device: &Device,
        dtype: DType,
    ) -> Result<LoadedProblem, CliError> {
        let path = folder.join(format!("{}.safetensors", self.name()));
        let refused = |problem: String| CliError::Option {
            option: "--from",
            problem: format!("{}: {problem}", path.display()),
        };
        let bytes = fs::read(&path).map_err(|error| refused(error.to_string()))?;
        let file = File::read(&bytes).map_err(refused)?;
        let model = Model::new(&file.module(device, dtype).map_err(refused)?, Mlp::forward)?;
        let inputs = |name| file.floats::<2>(name, device, dtype).map_err(refused);
        let (x, queried) = (inputs("x_train")?, inputs("x_query")?);
        let (train, queried) = match self {
            Self::W1 | Self::W2 => {
                let classes = |name| file.classes(name, device).map_err(refused);
                let train = Cost::new(model, CrossEntropy, x, classes("y_train")?)?;
                let queried = train.with_examples(queried, classes("y_query")?)?;
                (train, queried)
            }
            Self::W3 => {
                let train = Cost::new(model, SquaredError, x, inputs("y_train")?)?;
                let queried = train.with_examples(queried, inputs("y_query")?)?;
                (train, queried)
            }
        };
        let count = queries.unwrap_or(queried.len()).min(queried.len());
        Ok(LoadedProblem {
            queries: queried.select(&Vec::from_iter(0..count))?,
            train: train.unchecked(),
        })
    }
}

impl LoadedProblem {
    /// The gradient of every query.
    pub fn gradients(&self) -> Result<Vec<Tensor<1>>, CliError> {
        let rows = self.queries.gradients()?.split(1, 0).into_iter();
        Ok(rows.map(|row| row.squeeze_dim(0)).collect())
    }
}

/// The tensors of a file.
struct File(HashMap<String, TensorData>);

impl File {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        let mut tensors = HashMap::new();
        for (name, view) in file.iter() {
            let dtype = match view.dtype() {
                safetensors::Dtype::F32 => DType::F32,
                safetensors::Dtype::F64 => DType::F64,
                safetensors::Dtype::I64 => DType::I64,
                other => return Err(format!("`{name}` is of type {other:?}")),
            };
            let bytes = burn::tensor::Bytes::from_bytes_vec(view.data().to_vec());
            let data = TensorData::from_bytes(bytes, view.shape().to_vec(), dtype);
            tensors.insert(name.to_owned(), data);
        }
        Ok(Self(tensors))
    }

    fn get(&self, name: &str) -> Result<TensorData, String> {
        let found = self.0.get(name).cloned();
        found.ok_or_else(|| format!("has no tensor `{name}`"))
    }

    fn floats<const D: usize>(
        &self,
        name: &str,
        device: &Device,
        dtype: DType,
    ) -> Result<Tensor<D>, String> {
        let data = self.get(name)?;
        let shape = data.shape().to_vec();
        match <[usize; D]>::try_from(shape) {
            Ok(_) => Ok(Tensor::from_data(data, (device, dtype))),
            // Numbers of a column.
            Err(shape) if D == 2 && shape.len() == 1 => {
                let column = Tensor::<1>::from_data(data, (device, dtype));
                let mut axes = [1; D];
                axes[0] = shape[0];
                Ok(column.reshape(axes))
            }
            Err(shape) => Err(format!("`{name}` has the shape {shape:?}, not {D} axes")),
        }
    }

    fn classes(&self, name: &str, device: &Device) -> Result<Tensor<1, Int>, String> {
        let classes = self.get(name)?;
        match classes.shape().to_vec().len() {
            1 => Ok(Tensor::from_data(classes, device)),
            axes => Err(format!("`{name}` has {axes} axes, not one")),
        }
    }

    /// The network that the weights are of.
    fn module(&self, device: &Device, dtype: DType) -> Result<Mlp, String> {
        let mut weights = Vec::new();
        let mut widths = Vec::new();
        for layer in (0..).step_by(2) {
            let Ok(weight) = self.floats::<2>(&format!("w.{layer}.weight"), device, dtype) else {
                break;
            };
            let bias = self.floats::<1>(&format!("w.{layer}.bias"), device, dtype)?;
            let [outputs, inputs] = weight.dims();
            if widths.last().is_some_and(|width| *width != inputs) {
                return Err(format!("`w.{layer}.weight` does not fit the layer before"));
            }
            if widths.is_empty() {
                widths.push(inputs);
            }
            widths.push(outputs);
            let elements = weight.shape().num_elements();
            weights.push(weight.transpose().reshape([elements]));
            weights.push(bias);
        }
        let [inputs, hidden @ .., outputs] = widths.as_slice() else {
            return Err("has no tensor `w.0.weight`".into());
        };
        let config = MlpConfig::new(*inputs, *outputs).with_hidden(hidden.to_vec());
        let module = backdraft_models::to_dtype(config.init(device), dtype);
        Ok(module.map(&mut PutWeights(weights.into_iter())))
    }
}

/// Puts weights into a module, in order.
struct PutWeights(std::vec::IntoIter<Tensor<1>>);

impl ModuleMapper for PutWeights {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let weight = self.0.next().expect("a weight for each parameter");
        let shape = param.val().shape();
        param.map(|_| weight.reshape(shape))
    }
}
