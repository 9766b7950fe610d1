//! Reading the tensors of a weights file.

use std::collections::BTreeMap;
use std::path::Path;

use burn::tensor::{BoolStore, DType};
use safetensors::{Dtype, SafeTensors};

use super::error::WeightsError;
use super::file_tensor::{FileTensor, malformed};
use super::pytorch;
use crate::data::contents;
use crate::quote;

/// The tensors of a file, by name.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, FileTensor>, WeightsError> {
    let bytes = contents(path).map_err(|source| WeightsError::Read {
        path: path.to_owned(),
        source,
    })?;
    // A safetensors file starts with the length of a JSON header in eight bytes; torch.save writes a ZIP archive, and
    // before PyTorch 1.6 wrote a bare pickle.
    if bytes.get(8) == Some(&b'{') {
        safetensors(&bytes).map_err(|reason| malformed(path, reason))
    } else if bytes.starts_with(b"PK\x03\x04") {
        pytorch::read(bytes)
            .map_err(|reason| malformed(path, format!("not a readable PyTorch file: {reason}")))
    } else if bytes.starts_with(b"\x80\x02") {
        let reason =
            "PyTorch wrote it before version 1.6, or with _use_new_zipfile_serialization=False";
        Err(malformed(path, reason.to_owned()))
    } else {
        Err(WeightsError::Format {
            path: path.to_owned(),
        })
    }
}

fn safetensors(bytes: &[u8]) -> Result<BTreeMap<String, FileTensor>, String> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| format!("not a readable safetensors file ({error})"))?;
    // Of tied tensors `safetensors.torch.save_model` writes one, and which other name it goes by into the metadata.
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    let ties = header.metadata().iter().flatten();
    let ties = ties.filter_map(|(name, kept)| Some((name.as_str(), file.tensor(kept).ok()?)));
    let ties: Vec<_> = ties
        .filter(|(name, _)| file.tensor(name).is_err())
        .collect();
    let own = file.iter().map(|(name, view)| (name, view, false));
    let all = own.chain(ties.into_iter().map(|(name, view)| (name, view, true)));

    let mut tensors = BTreeMap::new();
    for (name, view, tied) in all {
        let dtype = element_type(view.dtype()).ok_or_else(|| {
            format!(
                "`{}` is of type {:?}, which cannot be read",
                quote::text(name),
                view.dtype()
            )
        })?;
        let contents = view.data().to_vec();
        let mut found = FileTensor::new(view.shape().to_vec(), dtype, Box::new(|| Ok(contents)));
        found.tied = tied;
        tensors.insert(name.to_owned(), found);
    }
    Ok(tensors)
}

/// The type of a safetensors file's elements, if it is one of Burn's.
pub(crate) fn element_type(dtype: Dtype) -> Option<DType> {
    Some(match dtype {
        Dtype::F64 => DType::F64,
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        Dtype::I64 => DType::I64,
        Dtype::I32 => DType::I32,
        Dtype::I16 => DType::I16,
        Dtype::I8 => DType::I8,
        Dtype::U64 => DType::U64,
        Dtype::U32 => DType::U32,
        Dtype::U16 => DType::U16,
        Dtype::U8 => DType::U8,
        Dtype::BOOL => DType::Bool(BoolStore::Native),
        _ => return None,
    })
}
