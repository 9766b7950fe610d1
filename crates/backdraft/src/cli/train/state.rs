//! A stopped training as a file: safetensors, with all but the tensors as JSON in its metadata.

use std::collections::HashMap;

use backdraft_models::{Checkpoint, TrainState};
use burn::tensor::{DType, TensorData};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

use super::journal::Journal;
use crate::cli::stable::stable;

const STATE: &str = "state";
const JOURNAL: &str = "journal";

/// The file's bytes.
pub(super) fn encode(checkpoint: &Checkpoint, journal: &Journal) -> Result<Vec<u8>, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let json = |value: serde_json::Result<String>| value.map_err(|error| words(&error));
    let metadata = HashMap::from([
        (
            STATE.to_owned(),
            json(serde_json::to_string(&checkpoint.state))?,
        ),
        (JOURNAL.to_owned(), json(serde_json::to_string(journal))?),
    ]);
    let mut tensors = Vec::with_capacity(checkpoint.tensors.len());
    for (name, data) in &checkpoint.tensors {
        let dtype = match data.dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
            other => return Err(format!("`{name}` is of type {other:?}")),
        };
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
        tensors.push((name, view.map_err(|error| words(&error))?));
    }
    serialize(tensors, Some(metadata))
        .map(stable)
        .map_err(|error| words(&error))
}

/// What [`encode`] made.
pub(super) fn decode(bytes: &[u8]) -> Result<(Checkpoint, Journal), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| words(&error))?;
    let metadata = header.metadata().as_ref().ok_or("it has no metadata")?;
    let text = |key: &str| metadata.get(key).ok_or(format!("it has no `{key}`"));
    let state: TrainState = serde_json::from_str(text(STATE)?).map_err(|error| words(&error))?;
    let journal: Journal = serde_json::from_str(text(JOURNAL)?).map_err(|error| words(&error))?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| words(&error))?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            other => return Err(format!("`{name}` is of type {other:?}")),
        };
        let bytes = burn::tensor::Bytes::from_bytes_vec(view.data().to_vec());
        let data = TensorData::from_bytes(bytes, view.shape().to_vec(), dtype);
        tensors.push((name.to_owned(), data));
    }
    Ok((Checkpoint { state, tensors }, journal))
}
