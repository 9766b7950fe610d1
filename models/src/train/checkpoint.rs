//! What training needs to go on as if it had never stopped.

use burn::module::Module;
use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::checkpoint_error::CheckpointError;
use super::config::TrainConfig;
use crate::named_tensor::{NamedTensor, replace, tensors};

/// Everything that training needs to go on as if it had never stopped, to the bit. From
/// [`Training::checkpoint`](super::Training::checkpoint); how it becomes a file is left to the program.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// Where training stood.
    pub state: TrainState,
    /// The model's parameters and running statistics, `model.` and their path in the module, and what the optimiser
    /// remembers, `optimizer.` and the places of the parameter and of the memory.
    pub tensors: Vec<(String, TensorData)>,
}

/// Where training stands, but for the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainState {
    /// The settings.
    pub config: TrainConfig,
    /// Number of training examples.
    pub rows: usize,
    /// Steps made.
    pub step: usize,
    /// The first step's loss, as the bits of a 64-bit number: not every text of a number comes back as it was.
    pub first: Option<u64>,
    /// The sum of the losses of the examples seen in this pass, as bits.
    pub total: u64,
    /// The mean loss of each pass over the data, as bits.
    pub history: Vec<u64>,
}

/// All numbers of a module without autodiff, parameters and running statistics, by their path in it after `model.`, bit
/// for bit.
pub fn numbers<M: Module>(module: &M) -> Vec<(String, TensorData)> {
    let found = tensors(module).into_iter();
    found
        .map(|tensor| (name(&tensor), tensor.to_data()))
        .collect()
}

/// The module with the numbers that `find` gives by name, as [`numbers`] names them. Clones of the module stay as they
/// are.
///
/// # Errors
///
/// [`CheckpointError::Missing`] and [`CheckpointError::Shape`].
pub fn with_numbers<M: Module>(
    module: M,
    mut find: impl FnMut(&str) -> Option<TensorData>,
) -> Result<M, CheckpointError> {
    let mut error = None;
    let mut restored = |tensor: NamedTensor| -> Result<Tensor<1>, CheckpointError> {
        let name = name(&tensor);
        let data = find(&name).ok_or(CheckpointError::Missing { name: name.clone() })?;
        CheckpointError::check_shape(&name, &tensor.shape, &data)?;
        let (bytes, shape, dtype) = data.into_parts();
        let flat = TensorData::from_bytes(bytes, [shape.num_elements()], dtype);
        Ok(Tensor::from_data(flat, (&tensor.value.device(), dtype)))
    };
    let module = replace(module.valid(), |tensor| match error {
        None => restored(tensor).map_err(|found| error = Some(found)).ok(),
        Some(_) => None,
    });
    match error {
        None => Ok(module),
        Some(error) => Err(error),
    }
}

fn name(tensor: &NamedTensor) -> String {
    format!("model.{}", tensor.name)
}
