//! A module as a value made of tensors.

use std::{
    collections::{HashMap, HashSet},
    ops::Deref,
    rc::Rc,
};

use burn::{
    backend::{DispatchTensor, TensorMetadata},
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{Bool, Device, Int, Tensor},
};

use crate::{Leaves, Tensors, value::Value};

/// A Burn module as an argument to differentiate by: its trainable float parameters.
///
/// A parameter that several layers share counts once. Frozen parameters, running statistics and int or bool parameters are passed
/// through and not differentiated. A gradient by a module is a module too, with the gradient of each parameter in its place.
/// The module is evaluated as in inference: no dropout, batch norm with its running statistics.
///
/// It dereferences to the module: `net.forward(x)`.
///
/// ```
/// use backdraft_program::{Constant, Parameters, Tensors, grad};
/// use burn::{nn::{Linear, LinearConfig}, tensor::{Device, Tensor}};
///
/// let device = Device::flex();
/// let net = Parameters::new(LinearConfig::new(3, 1).init(&device));
/// let x = Tensor::<2>::ones([4, 3], &device);
/// let loss = |(net, Constant(x)): (Parameters<Linear>, Constant<Tensor<2>>)| net.forward(x).sum();
/// let (gradient, _) = grad(loss, (net.clone(), Constant(x)))?;
/// assert_eq!(gradient.weight.val().into_data(), Tensor::<2>::full([3, 1], 4.0, &device).into_data());
/// // A step of gradient descent.
/// let net = net.unravel(net.ravel()? - gradient.ravel()? * 0.1)?;
/// # let _ = net.into_module();
/// # Ok::<(), backdraft_program::ProgramError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Parameters<M> {
    module: M,
    /// While the module is traced, itself before: the tensors in it that are not parameters cannot come back from a trace.
    outside: Option<Rc<M>>,
    trainable: Rc<HashSet<ParamId>>,
}

impl<M: Module> Parameters<M> {
    /// The parameters of `module`.
    ///
    /// # Panics
    /// If the module is being traced already: hand on the `Parameters` that it came in.
    pub fn new(module: M) -> Self {
        let mut trainable = Trainable(HashSet::new());
        module.clone().train().visit(&mut trainable);
        Self {
            module: module.valid(),
            outside: None,
            trainable: Rc::new(trainable.0),
        }
    }

    /// The module, ready for inference. Call its `train` to train it on with Burn.
    pub fn into_module(self) -> M {
        self.module
    }
}

impl<M> Deref for Parameters<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.module
    }
}

impl<M: Module> Tensors for Parameters<M> {
    fn visit(&self, leaves: &mut Leaves) {
        for found in Collect::of(&self.module) {
            leaves.within(&found.name, |leaves| {
                if self.trainable.contains(&found.id) {
                    leaves.push(found.tensor);
                } else {
                    leaves.constant(|leaves| leaves.push(found.tensor));
                }
            });
        }
    }

    fn rebuild(&self, tensors: &mut dyn Iterator<Item = DispatchTensor>) -> Self {
        let parameters = Collect::of(&self.module);
        let count = parameters.len();
        let ids = parameters.into_iter().map(|found| found.id);
        let tensors: HashMap<_, _> = ids.zip(tensors).collect();
        assert_eq!(
            tensors.len(),
            count,
            "a module is rebuilt from as many tensors as it holds"
        );
        let Some(device) = tensors.values().next().map(|t| Device::new(t.device())) else {
            return self.clone();
        };
        let traced = tensors
            .values()
            .any(|t| Value::from_dispatch(t.clone()).is_some());
        let source = self.outside.as_deref().unwrap_or(&self.module);
        // Running statistics are shared by clones: `valid` gives the new module its own.
        let module = source
            .valid()
            .map(&mut Substitute(tensors))
            .to_device(&device);
        let outside = traced.then(|| match &self.outside {
            Some(outside) => outside.clone(),
            None => Rc::new(self.module.clone()),
        });
        Self {
            module,
            outside,
            trainable: self.trainable.clone(),
        }
    }
}

/// The float parameters that require gradients.
struct Trainable(HashSet<ParamId>);

impl ModuleVisitor for Trainable {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.val().is_require_grad() {
            self.0.insert(param.id);
        }
    }
}

struct Found {
    id: ParamId,
    name: String,
    tensor: DispatchTensor,
}

/// Lists parameters and running statistics; shared ones once.
#[derive(Default)]
struct Collect {
    path: Vec<String>,
    seen: HashSet<ParamId>,
    found: Vec<Found>,
}

impl Collect {
    fn of<M: Module>(module: &M) -> Vec<Found> {
        let mut collect = Self::default();
        module.visit(&mut collect);
        collect.found
    }

    fn add(&mut self, id: ParamId, tensor: DispatchTensor) {
        // Quantized parameters cannot be traced, and stay what they are.
        let dtype = tensor.dtype();
        let plain = dtype.is_float() || dtype.is_int() || dtype.is_uint() || dtype.is_bool();
        if plain && self.seen.insert(id) {
            let name = self.path.join(".");
            self.found.push(Found { id, name, tensor });
        }
    }
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(param.id, param.val().into_dispatch());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(param.id, param.val().into_dispatch());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(param.id, param.val().into_dispatch());
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

/// Replaces parameters by other tensors, on any device.
struct Substitute(HashMap<ParamId, DispatchTensor>);

impl ModuleMapper for Substitute {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.get(&param.id) {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor.clone())),
            None => param,
        }
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        match self.0.get(&param.id) {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor.clone())),
            None => param,
        }
    }

    fn map_bool<const D: usize>(
        &mut self,
        param: Param<Tensor<D, Bool>>,
    ) -> Param<Tensor<D, Bool>> {
        match self.0.get(&param.id) {
            Some(tensor) => param.map(|_| Tensor::from_dispatch(tensor.clone())),
            None => param,
        }
    }
}
