//! The parameters of a module: chosen by name, and written into another module.

use std::collections::HashMap;

use backdraft_program::{DispatchTensor, Spec};
use burn::{
    Tensor,
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Shape,
};
use wildmatch::WildMatch;

use crate::CurvatureError;

/// One parameter tensor of a model.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path in the module, such as `fc1.weight`: the first, if it is tied.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it begins in the flat parameter vector.
    pub offset: usize,
    /// Position among the module's tensors.
    pub(crate) tensor: usize,
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

/// Tensors to put into a module, by path. Several places may have one path, in a module that does not tell its fields'
/// names: they are taken in order.
pub(crate) struct Write<'a> {
    tensors: HashMap<String, Vec<&'a DispatchTensor>>,
    path: Vec<String>,
    /// Places met so far with a path.
    met: HashMap<String, usize>,
    /// What does not fit.
    problems: Vec<String>,
}

impl<'a> Write<'a> {
    /// Of tensors for some places, each with its path.
    pub(crate) fn new<'b>(places: impl Iterator<Item = (&'b str, &'a DispatchTensor)>) -> Self {
        let mut tensors: HashMap<String, Vec<_>> = HashMap::new();
        for (name, tensor) in places {
            tensors.entry(name.into()).or_default().push(tensor);
        }
        Self {
            tensors,
            path: Vec::new(),
            met: HashMap::new(),
            problems: Vec::new(),
        }
    }

    /// `module` with the tensors in their places, where each must find its own.
    pub(crate) fn into_module<M: Module>(mut self, module: M) -> Result<M, CurvatureError> {
        module.visit(&mut self);
        let met = std::mem::take(&mut self.met);
        let mut names: Vec<_> = self.tensors.iter().collect();
        names.sort_by_key(|(name, _)| name.as_str());
        for (name, tensors) in names {
            if met.get(name).is_none_or(|&found| found < tensors.len()) {
                let spec = Spec::of(tensors[0]);
                self.problems.push(format!("it has no `{name}` of {spec}"));
            }
        }
        match self.problems.is_empty() {
            true => Ok(module.map(&mut self)),
            false => Err(CurvatureError::Module(self.problems.join("; "))),
        }
    }

    /// The tensor for the place at the present path.
    fn next(&mut self) -> Option<&'a DispatchTensor> {
        let name = self.path.join(".");
        let tensors = self.tensors.get(&name)?;
        let met = self.met.entry(name).or_default();
        *met += 1;
        tensors.get(*met - 1).copied()
    }
}

impl ModuleVisitor for Write<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(tensor) = self.next() else { return };
        let (expected, found) = (Spec::of(tensor), Spec::of(&param.val().into_dispatch()));
        if expected != found {
            let name = self.path.join(".");
            let problem = format!("its `{name}` is {found}, and the model's {expected}");
            self.problems.push(problem);
        }
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

impl ModuleMapper for Write<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(tensor) = self.next() else {
            return param;
        };
        param.map(|old| {
            let device = old.clone().without_autodiff().device();
            let new = Tensor::from_dispatch(tensor.clone()).to_device(&device);
            match old.is_autodiff() {
                true => new.autodiff().set_require_grad(old.is_require_grad()),
                false => new,
            }
        })
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}
