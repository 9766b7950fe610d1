//! Writing weights files.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::Path;

use burn::module::Module;
use burn::store::{ModuleSnapshot, bridge};
use burn::tensor::{DType, TensorData};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, serialize};
use tempfile::Builder;

use super::error::WeightsError;
use super::fit::check_finite;
use super::layout::ToPyTorch;
use super::name_map::NameMap;
use super::record::WeightsRecord;
use super::stable::stable;

/// Writes a module's weights as a safetensors file in PyTorch's names and layouts, replacing what is there. The file
/// appears whole or not at all.
///
/// Of a PyTorch module with the same names, `load_state_dict(safetensors.torch.load_file(path))` takes it.
///
/// # Errors
///
/// If a weight is NaN or infinite, or the file cannot be written.
pub fn save<M: Module>(module: &M, path: impl AsRef<Path>) -> Result<(), WeightsError> {
    save_as(module, path, &NameMap::default())
}

/// The bytes that [`save`] writes, the same in every process, for a program that puts files in place itself. `path` is
/// only what errors call the file.
///
/// # Errors
///
/// If a weight is NaN or infinite.
pub fn encode<M: Module>(module: &M, path: impl AsRef<Path>) -> Result<Vec<u8>, WeightsError> {
    bytes(module, path.as_ref(), &NameMap::default(), None)
}

/// As [`encode`], with a record in the file's metadata.
///
/// # Errors
///
/// As [`encode`].
pub fn encode_with<M: Module>(
    module: &M,
    path: impl AsRef<Path>,
    record: &WeightsRecord,
) -> Result<Vec<u8>, WeightsError> {
    bytes(module, path.as_ref(), &NameMap::default(), Some(record))
}

/// As [`save`], with names changed: the rules go from the module's names to the file's. What they leave out is not
/// written.
///
/// # Errors
///
/// As [`save`], and if two tensors get one name.
pub fn save_as<M: Module>(
    module: &M,
    path: impl AsRef<Path>,
    names: &NameMap,
) -> Result<(), WeightsError> {
    let path = path.as_ref();
    write_whole(path, &bytes(module, path, names, None)?).map_err(|source| WeightsError::Write {
        path: path.to_owned(),
        source,
    })
}

fn bytes<M: Module>(
    module: &M,
    path: &Path,
    names: &NameMap,
    record: Option<&WeightsRecord>,
) -> Result<Vec<u8>, WeightsError> {
    let unwritable = |source| WeightsError::Write {
        path: path.to_owned(),
        source,
    };
    let mut tensors: BTreeMap<String, (String, TensorData)> = BTreeMap::new();
    for tensor in module.collect(None, Some(Box::new(ToPyTorch)), true) {
        let old = tensor.name.clone();
        let Some(name) = names.rename(&old) else {
            continue;
        };
        let data = bridge::into_data(tensor)
            .map_err(|error| unwritable(io::Error::other(error.to_string())))?;
        check_finite(&data, &old, path)?;
        if let Some((first, _)) = tensors.insert(name.clone(), (old.clone(), data)) {
            return Err(WeightsError::Collision {
                path: path.to_owned(),
                name,
                first,
                second: old,
            });
        }
    }
    let mut views = Vec::new();
    for (name, (_, data)) in &tensors {
        let untyped = || WeightsError::ElementType {
            path: path.to_owned(),
            name: name.clone(),
            dtype: data.dtype().name().to_owned(),
        };
        let dtype = element_type(data.dtype()).ok_or_else(untyped)?;
        let view = TensorView::new(dtype, data.shape().to_vec(), data.as_bytes());
        views.push((name, view.map_err(|_| untyped())?));
    }
    // PyTorch's tools look for the format `pt`.
    let mut metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    if let Some(record) = record {
        let text = record.encode().map_err(|error| unwritable(error.into()))?;
        metadata.insert(WeightsRecord::KEY.to_owned(), text);
    }
    serialize(views, Some(metadata))
        .map(stable)
        .map_err(|error| unwritable(io::Error::other(error)))
}

/// Writes a file beside its place, and renames it once it is complete.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = Builder::new();
    builder.prefix(".backdraft-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // The umask still applies; tempfile's own default, 0600, would stay with the renamed file.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn element_type(dtype: DType) -> Option<Dtype> {
    Some(match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        _ => return None,
    })
}
