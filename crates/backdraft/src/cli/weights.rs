//! A model's weights as a file.

use burn::{
    module::Module,
    store::{ModuleSnapshot, SafetensorsStore},
};

use super::{CliError, stable::stable};

/// The name of the file.
pub(super) const FILE: &str = "model.safetensors";

/// The parameters and running statistics of `module` as safetensors, the same bytes in every process; `model` is its name.
pub(super) fn encode<M: Module>(module: &M, model: &str) -> Result<Vec<u8>, CliError> {
    let mut store = SafetensorsStore::from_bytes(None).metadata("model", model);
    module
        .save_into(&mut store)
        .map_err(|error| CliError::Weights(error.to_string()))?;
    let bytes = store
        .get_bytes()
        .map_err(|error| CliError::Weights(error.to_string()))?;
    Ok(stable(bytes))
}
