//! A network as a function of its parameters.

use std::{collections::HashMap, fmt, rc::Rc};

use backdraft_program::{DeviceSettings, DispatchTensor};
use burn::{
    Tensor,
    backend::TensorMetadata,
    module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId},
    tensor::{DType, Device, Float, FloatDType, Shape},
};

use crate::{CurvatureError, RowKind};

/// One parameter tensor of a model.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its path in the module, such as `fc1.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Where it begins in the flat parameter vector.
    pub offset: usize,
    id: ParamId,
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
}

type Forward = dyn Fn(&[DispatchTensor], DispatchTensor) -> DispatchTensor;

/// A network `f(theta; x)` whose outputs can be differentiated with respect to its parameters: any Burn module and a closure
/// that runs it on a batch.
///
/// The parameters are the module's trainable float parameters in visiting order; a tensor shared by several layers counts once,
/// frozen ones and running statistics are constants. The module is evaluated as in inference: no dropout, batch norm with its
/// running statistics. Burn's trace does not see `detach`, so derivatives go through it.
#[derive(Clone)]
pub struct Model {
    parameters: Rc<[Parameter]>,
    tensors: Vec<DispatchTensor>,
    forward: Rc<Forward>,
    device: Device,
}

impl Model {
    /// `module` as seen through `forward`, which must return one row of outputs an example: `[batch, outputs]`.
    ///
    /// # Errors
    /// [`CurvatureError::Parameters`] if the module has no trainable float parameter, or they differ in type or device.
    pub fn new<M, F, const D: usize, K>(module: &M, forward: F) -> Result<Self, CurvatureError>
    where
        M: Module + 'static,
        K: RowKind,
        F: Fn(&M, Tensor<D, K>) -> Tensor<2> + 'static,
    {
        let mut collect = Collect::default();
        module.clone().train().visit(&mut collect);
        let Collect {
            parameters,
            tensors,
            ..
        } = collect;
        let first = tensors.first().ok_or(CurvatureError::Parameters(
            "the module has no trainable float parameter",
        ))?;
        let (device, dtype) = (Device::new(first.device()), first.dtype());
        if tensors
            .iter()
            .any(|t| t.dtype() != dtype || Device::new(t.device()) != device)
        {
            return Err(CurvatureError::Parameters(
                "the parameters differ in type or device",
            ));
        }
        let (module, ids) = (
            module.valid(),
            parameters.iter().map(|p| p.id).collect::<Vec<_>>(),
        );
        let forward = move |tensors: &[DispatchTensor], x: DispatchTensor| {
            let device = Device::new(x.device());
            let mut substitute = Substitute(ids.iter().copied().zip(tensors).collect());
            let module = module.valid().map(&mut substitute).to_device(&device);
            forward(&module, Tensor::from_dispatch(x)).into_dispatch()
        };
        Ok(Self {
            parameters: parameters.into(),
            tensors,
            forward: Rc::new(forward),
            device,
        })
    }

    /// The parameter tensors, in the order of the flat vector.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Number of parameters: the length of a flat parameter vector.
    pub fn dim(&self) -> usize {
        self.parameters.iter().map(Parameter::len).sum()
    }

    /// Where the parameters live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameters' float type.
    pub fn dtype(&self) -> DType {
        self.tensors[0].dtype()
    }

    /// The parameters as one flat vector of shape `[dim]`.
    pub fn theta(&self) -> Tensor<1> {
        self.flatten(self.tensors.clone())
    }

    /// The same network at other parameters `theta`, of shape `[dim]`.
    pub fn at(&self, theta: Tensor<1>) -> Self {
        Self {
            tensors: self.unflatten(theta),
            ..self.clone()
        }
    }

    /// `module` with its parameters set to `theta`, of shape `[dim]`. It must have the structure of the module that this model
    /// was made of.
    pub fn write<M: Module>(&self, module: M, theta: Tensor<1>) -> M {
        let tensors = self.unflatten(theta);
        let ids = self.parameters.iter().map(|p| p.id);
        module.map(&mut Substitute(ids.zip(&tensors).collect()))
    }

    /// Outputs `[batch, outputs]` for inputs `x`, at parameters given as tensors.
    pub(crate) fn forward(&self, tensors: &[DispatchTensor], x: DispatchTensor) -> DispatchTensor {
        (self.forward)(tensors, x)
    }

    pub(crate) fn tensors(&self) -> &[DispatchTensor] {
        &self.tensors
    }

    /// A flat vector as one tensor a parameter.
    pub(crate) fn unflatten(&self, flat: Tensor<1>) -> Vec<DispatchTensor> {
        let tensor = |p: &Parameter| {
            let part = flat.clone().slice(p.offset..p.offset + p.len());
            reshape(part, &p.shape)
        };
        self.parameters.iter().map(tensor).collect()
    }

    /// One tensor a parameter as a flat vector.
    pub(crate) fn flatten(&self, tensors: Vec<DispatchTensor>) -> Tensor<1> {
        let flat = tensors
            .into_iter()
            .zip(self.parameters.iter())
            .map(|(t, p)| Tensor::<1>::from_dispatch(reshape_dispatch(t, Shape::new([p.len()]))));
        Tensor::cat(flat.collect(), 0)
    }

    /// Default types of the device that this model's programs run on.
    pub(crate) fn settings(&self) -> DeviceSettings {
        DeviceSettings {
            float_dtype: FloatDType::from(self.dtype()),
            ..self.device.settings()
        }
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("parameters", &self.parameters)
            .field("device", &self.device)
            .finish()
    }
}

fn reshape(tensor: Tensor<1>, shape: &Shape) -> DispatchTensor {
    reshape_dispatch(tensor.into_dispatch(), shape.clone())
}

fn reshape_dispatch(tensor: DispatchTensor, shape: Shape) -> DispatchTensor {
    use burn::backend::{Dispatch, ops::FloatTensorOps};
    Dispatch::float_reshape(tensor, shape)
}

/// Lists trainable parameters; shared ones once.
#[derive(Default)]
struct Collect {
    path: Vec<String>,
    parameters: Vec<Parameter>,
    tensors: Vec<DispatchTensor>,
    dim: usize,
}

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D, Float>>) {
        let tensor = param.val();
        if !tensor.is_require_grad() || self.parameters.iter().any(|p| p.id == param.id) {
            return;
        }
        let shape = tensor.shape();
        let parameter = Parameter {
            name: self.path.join("."),
            offset: self.dim,
            id: param.id,
            shape,
        };
        self.dim += parameter.len();
        self.parameters.push(parameter);
        self.tensors.push(tensor.inner().into_dispatch());
    }

    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }
}

/// Replaces parameters by other tensors, on any device.
struct Substitute<'a>(HashMap<ParamId, &'a DispatchTensor>);

impl ModuleMapper for Substitute<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.get(&param.id) {
            Some(&tensor) => param.map(|_| Tensor::from_dispatch(tensor.clone())),
            None => param,
        }
    }
}
