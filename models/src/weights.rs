//! Weights in and out: files of PyTorch's state dictionaries, read into any Burn module and written from it.
//!
//! A file is safetensors, or what `torch.save` writes since PyTorch 1.6 (`.pt`, `.pth`): a state dictionary, or a
//! checkpoint that has one under `state_dict` or `model_state_dict`. No code in it is run. Names and layouts are
//! PyTorch's:
//!
//! | Burn | PyTorch |
//! |---|---|
//! | `Linear` weight `[in, out]` | `[out, in]` |
//! | `gamma`, `beta` of batch, layer, group, instance and RMS norms | `weight`, `bias` |
//! | `alpha` of `PRelu` | `weight` |
//! | the field of an enum variant, `Variant.field` | `field` |
//! | convolutions, embeddings, running statistics | the same |
//!
//! A PyTorch module whose submodules bear the names of the Burn module's fields is its twin: [`save`] writes what
//! the twin's `load_state_dict` takes, and [`load_into`] reads what it saves. Where names differ a [`NameMap`]
//! renames. Of tied tensors, which `safetensors.torch.save_model` writes once, the file's metadata has the other names,
//! and those are taken too. `num_batches_tracked` of a batch norm has no counterpart: it is passed over, and PyTorch
//! does not miss it in a file without version numbers. Layers whose weights PyTorch packs together (recurrent ones, and
//! the attention of `nn.MultiheadAttention`) cannot be told apart by names, and are reported as not fitting.

//! [`encode_with`] keeps a [`WeightsRecord`] with the weights, in the file's metadata: how inputs were scaled, and how
//! well the network did. Other readers pass it over.

mod archive;
mod error;
mod file_tensor;
mod fit;
mod layout;
mod name_map;
mod pickle;
mod pytorch;
mod read;
mod record;
mod save;
mod stable;

use std::path::Path;

use burn::module::Module;
use burn::store::ModuleSnapshot;

pub use error::{Mismatch, MisshapenTensor, MissingTensor, WeightsError};
pub use name_map::{NameMap, NameMapError};
pub(crate) use read::element_type;
pub use record::{MeasuredMetrics, WeightsRecord};
pub use save::{encode, encode_with, save, save_as};
pub use stable::stable;

use fit::FittedTensors;
use layout::{FromPyTorch, ToPyTorch};

/// The module with the weights of a file.
///
/// `names` renames the file's tensors to the module's fields, in PyTorch's naming. If names then still differ, but
/// would all fit with the gaps in numbers closed (the layers of an `nn.Sequential` with activations between them are
/// 0, 2, 4; those of a `Vec` are 0, 1, 2), they are so renumbered. Every tensor of the module must be in the file and
/// every one of the file in the module ([`NameMap`] can leave some out). Numbers become the type that the module's
/// tensor has, on its device.
///
/// # Errors
///
/// [`WeightsError::Mismatch`] lists every tensor that is missing, is not in the module, or has another shape or kind;
/// otherwise if the file cannot be read or is damaged, two tensors get one name, or a number is NaN or infinite in
/// the module's type.
pub fn load_into<M: Module>(
    mut module: M,
    path: impl AsRef<Path>,
    names: &NameMap,
) -> Result<M, WeightsError> {
    let path = path.as_ref();
    let expected = module.collect(None, Some(Box::new(ToPyTorch)), true);
    let tensors = FittedTensors::find(&expected, read::read(path)?, names, path)?.convert(path)?;
    let result = module.apply(tensors, None, Some(Box::new(FromPyTorch)), true);
    // Names, shapes and kinds agree by now, so nothing is left over: this is for what a module of one's own may do.
    let left = result.errors.iter().map(ToString::to_string);
    let missing = result
        .missing
        .iter()
        .map(|(name, _)| format!("{name} is missing"));
    let problems: Vec<String> = left.chain(missing).collect();
    if problems.is_empty() {
        Ok(module)
    } else {
        Err(WeightsError::Refused {
            path: path.to_owned(),
            reason: problems.join(", "),
        })
    }
}
