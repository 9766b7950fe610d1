//! PyTorch's names and layouts of parameters.

use burn::store::burn_pack::Tensor as Stored;
use burn::store::{BurnToPyTorchAdapter, ModuleAdapter, ModuleContext, PyTorchToBurnAdapter};

/// What PyTorch calls a parameter that burn-store's adapters leave as it is.
fn pytorch_name(param: &str, module: &str) -> Option<&'static str> {
    match (module, param) {
        ("Struct:InstanceNorm", "gamma") | ("Struct:PRelu", "alpha") => Some("weight"),
        ("Struct:InstanceNorm", "beta") => Some("bias"),
        _ => None,
    }
}

/// From Burn's names and layouts to PyTorch's.
#[derive(Clone)]
pub(super) struct ToPyTorch;

impl ModuleAdapter for ToPyTorch {
    fn adapt(&self, tensor: Stored, context: ModuleContext<'_>) -> Stored {
        let mut tensor = BurnToPyTorchAdapter.adapt(tensor, context);
        let start = tensor.name.rfind('.').map_or(0, |dot| dot + 1);
        let module = context.module_type().unwrap_or_default();
        if let Some(name) = pytorch_name(&tensor.name[start..], module) {
            tensor.name.replace_range(start.., name);
        }
        tensor
    }

    fn clone_box(&self) -> Box<dyn ModuleAdapter> {
        Box::new(self.clone())
    }
}

/// From PyTorch's names and layouts to Burn's.
#[derive(Clone)]
pub(super) struct FromPyTorch;

impl ModuleAdapter for FromPyTorch {
    fn adapt(&self, tensor: Stored, context: ModuleContext<'_>) -> Stored {
        PyTorchToBurnAdapter.adapt(tensor, context)
    }

    fn get_alternative_param_name(&self, param: &str, module: &str) -> Option<String> {
        PyTorchToBurnAdapter
            .get_alternative_param_name(param, module)
            .or_else(|| pytorch_name(param, module).map(str::to_owned))
    }

    fn clone_box(&self) -> Box<dyn ModuleAdapter> {
        Box::new(self.clone())
    }
}
