//! Tensors as a safetensors file, to the bit.

use std::{collections::HashMap, fmt::Display};

use backdraft_models::weights::stable;
use burn::tensor::{Bytes, DType, TensorData};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

/// Named tensors and texts.
pub(super) type NamedTensors = Vec<(String, TensorData)>;
pub(super) type Texts = HashMap<String, String>;

/// The file's bytes.
pub(super) fn encode(tensors: &[(String, TensorData)], texts: Texts) -> Result<Vec<u8>, String> {
    let mut views = Vec::with_capacity(tensors.len());
    for (name, data) in tensors {
        let dtype = match data.dtype() {
            DType::F32 => Dtype::F32,
            DType::F64 => Dtype::F64,
            DType::U8 => Dtype::U8,
            other => return Err(format!("`{name}` is of type {other:?}")),
        };
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
        views.push((name, view.map_err(words)?));
    }
    serialize(views, Some(texts)).map(stable).map_err(words)
}

/// What [`encode`] made.
pub(super) fn decode(bytes: &[u8]) -> Result<(NamedTensors, Texts), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(words)?;
    let texts = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(words)?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        let dtype = match view.dtype() {
            Dtype::F32 => DType::F32,
            Dtype::F64 => DType::F64,
            Dtype::U8 => DType::U8,
            other => return Err(format!("`{name}` is of type {other:?}")),
        };
        let bytes = Bytes::from_bytes_vec(view.data().to_vec());
        let data = TensorData::from_bytes(bytes, view.shape().to_vec(), dtype);
        tensors.push((name.to_owned(), data));
    }
    Ok((tensors, texts))
}

/// The bytes of the numbers alone.
pub(super) fn numbers(file: &[u8]) -> &[u8] {
    let header = file
        .first_chunk()
        .map_or(0, |length| u64::from_le_bytes(*length));
    let start = usize::try_from(header)
        .ok()
        .and_then(|header| header.checked_add(8));
    start.and_then(|start| file.get(start..)).unwrap_or(file)
}

fn words(error: impl Display) -> String {
    error.to_string()
}
