//! The parameters of a module: found, chosen by name, and replaced.

use std::collections::HashMap;

use backdraft_program::DispatchTensor;
use burn::{
    Tensor,
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Float, Shape},
};
use wildmatch::WildMatch;

/// One parameter tensor of a model.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path in the module, such as `fc1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it begins in the flat parameter vector.
    pub offset: usize,
    pub(crate) id: ParamId,
}

impl Parameter {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.num_elements()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `pattern` is its name or a module that it is in; `*` stands for any text and `?` for any one character.
    pub(crate) fn matches(&self, pattern: &WildMatch) -> bool {
        let ends = self.name.match_indices('.').map(|(at, _)| at);
        ends.chain([self.name.len()])
            .any(|end| pattern.matches(&self.name[..end]))
    }
}

/// A module's float tensors, shared ones once.
#[derive(Default)]
pub(crate) struct Collected {
    path: Vec<String>,
    /// The trainable ones, in visiting order.
    pub parameters: Vec<(Parameter, DispatchTensor)>,
    /// Frozen ones and running statistics.
    pub fixed: Vec<(ParamId, DispatchTensor)>,
}

impl Collected {
    pub(crate) fn of<M: Module>(module: &M) -> Self {
        let mut collected = Self::default();
        module.clone().train().visit(&mut collected);
        collected
    }
}

impl ModuleVisitor for Collected {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D, Float>>) {
        let (id, tensor) = (param.id, param.val());
        let known = self.parameters.iter().any(|(p, _)| p.id == id)
            || self.fixed.iter().any(|(other, _)| *other == id);
        if known {
            return;
        }
        let (trainable, shape) = (tensor.is_require_grad(), tensor.shape());
        let tensor = tensor.without_autodiff().into_dispatch();
        if trainable {
            let last = self.parameters.last().map(|(p, _)| p);
            let parameter = Parameter {
                name: self.path.join("."),
                offset: last.map_or(0, |last| last.offset + last.len()),
                id,
                shape,
            };
            self.parameters.push((parameter, tensor));
        } else {
            self.fixed.push((id, tensor));
        }
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

/// Replaces parameters by other tensors, on any device.
pub(crate) struct Substitute<'a>(pub HashMap<ParamId, &'a DispatchTensor>);

impl ModuleMapper for Substitute<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.get(&param.id) {
            Some(&tensor) => param.map(|_| Tensor::from_dispatch(tensor.clone())),
            None => param,
        }
    }
}
