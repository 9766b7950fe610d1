//! A network as a function of its parameters.

mod execution;

use std::{fmt, sync::Arc};

use backdraft_program::{DeviceSettings, DispatchTensor, Half, ModuleTensors, Tensors};
use burn::{
    Tensor,
    backend::{Dispatch, TensorMetadata, ops::FloatTensorOps},
    module::Module,
    tensor::{DType, Device, FloatDType, Shape},
};
use wildmatch::WildMatch;

use crate::{CurvatureError, Examples, Parameter, Rows, Slot};

/// Outputs as the network returns them: of the module's tensors, by position, and a batch.
type ForwardFn = dyn Fn(&[Option<DispatchTensor>], Vec<Rows>) -> DispatchTensor + Send + Sync;

/// A network `f(theta; x)` whose outputs can be differentiated with respect to its parameters: any Burn module and a
/// closure that runs it on a batch.
///
/// The parameters `theta` are the module's trainable float parameters in visiting order, or those of them chosen by
/// [`only`](Self::only). A tensor shared by several layers counts once: parameters of one id that are equal, as
/// `clone()` makes them. Burn's optimizers train clones apart, and those that differ are several ([`ModuleTensors`]).
/// All others, frozen ones and running statistics are constants. The module is evaluated as in inference: no dropout,
/// batch norm with its running statistics. Burn's trace does not see `detach`, so derivatives go through it.
#[derive(Clone)]
pub struct Model {
    parameters: Arc<[Parameter]>,
    tensors: Vec<DispatchTensor>,
    /// The float tensors that are no parameters, by their positions in the module.
    fixed: Arc<[(usize, DispatchTensor)]>,
    module: Arc<ModuleTensors>,
    forward: Arc<ForwardFn>,
    /// What it reads.
    slots: Arc<[Slot]>,
    device: Device,
    products: Option<Half>,
    recorded: bool,
    recomputing: Option<usize>,
}

impl Model {
    /// `module` as seen through `forward`: from a batch of inputs, a tensor or a tuple of tensors, to a tensor of
    /// outputs with one row an example. Losses see the outputs of an example as one row, `[batch, outputs]`.
    ///
    /// # Errors
    /// [`CurvatureError::Parameters`] if the module has no trainable float parameter, or they differ in type or device.
    pub fn new<M, F, X, const O: usize>(module: &M, forward: F) -> Result<Self, CurvatureError>
    where
        M: Module + Sync + 'static,
        X: Examples + 'static,
        F: Fn(&M, X) -> Tensor<O> + Send + Sync + 'static,
    {
        let (all, values) = ModuleTensors::of(module);
        let (mut parameters, mut tensors) = (Vec::<Parameter>::new(), Vec::new());
        let mut fixed = Vec::new();
        for (position, (found, tensor)) in all.tensors().iter().zip(values).enumerate() {
            if found.trainable {
                parameters.push(Parameter {
                    name: found.name.clone(),
                    shape: tensor.shape(),
                    offset: end(&parameters),
                    tensor: position,
                });
                tensors.push(tensor);
            } else if tensor.dtype().is_float() {
                fixed.push((position, tensor));
            }
        }
        let device = check_alike(&parameters, &tensors)?;
        let all = Arc::new(all);
        let (module, places) = (module.valid(), all.clone());
        let forward = move |tensors: &[Option<DispatchTensor>], x: Vec<Rows>| {
            let module = places.put(&module, tensors);
            let outputs = forward(&module, X::from_rows(&mut x.into_iter()));
            outputs.into_dispatch()
        };
        Ok(Self {
            parameters: parameters.into(),
            tensors,
            fixed: fixed.into(),
            module: all,
            forward: Arc::new(forward),
            slots: X::slots().into(),
            device,
            products: None,
            recorded: false,
            recomputing: None,
        })
    }

    /// The same network as a function of some parameters alone, those whose names match one of `patterns`; the others
    /// become constants. A pattern is a parameter's name or the name of a module, which stands for all parameters in
    /// it; `*` matches any text and `?` any one character. `["output"]` is the last layer, `["blocks.2", "*.bias"]` a
    /// block and all biases.
    ///
    /// # Errors
    /// [`CurvatureError::Parameters`] if a pattern matches nothing, or there is none.
    pub fn only(&self, patterns: &[&str]) -> Result<Self, CurvatureError> {
        let parsed: Vec<_> = patterns
            .iter()
            .map(|pattern| WildMatch::new(pattern))
            .collect();
        for (pattern, text) in parsed.iter().zip(patterns) {
            if !self.parameters.iter().any(|p| p.matches(pattern)) {
                let names: Vec<_> = self.parameters.iter().map(|p| p.name.as_str()).collect();
                return Err(CurvatureError::Parameters(format!(
                    "no parameter matches `{text}`: there are {}",
                    names.join(", ")
                )));
            }
        }
        let (mut parameters, mut tensors) = (Vec::<Parameter>::new(), Vec::new());
        let mut fixed = self.fixed.to_vec();
        for (parameter, tensor) in self.parameters.iter().zip(&self.tensors) {
            if parsed.iter().any(|pattern| parameter.matches(pattern)) {
                parameters.push(Parameter {
                    offset: end(&parameters),
                    ..parameter.clone()
                });
                tensors.push(tensor.clone());
            } else {
                fixed.push((parameter.tensor, tensor.clone()));
            }
        }
        if parameters.is_empty() {
            return Err(CurvatureError::Parameters(
                "no pattern was given to choose parameters by".into(),
            ));
        }
        Ok(Self {
            parameters: parameters.into(),
            tensors,
            fixed: fixed.into(),
            ..self.clone()
        })
    }

    /// The parameter tensors, in the order of the flat vector.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Number of parameters: the length of a flat parameter vector.
    pub fn dim(&self) -> usize {
        end(&self.parameters)
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
        self.tensors.ravel().expect("parameters of one type")
    }

    /// The parameters, and after them the module's other float tensors, such as running statistics, as one flat vector
    /// of the parameters' type.
    pub fn state(&self) -> Tensor<1> {
        let constants = self.fixed.iter().map(|(_, tensor)| {
            let numbers = Shape::new([tensor.shape().num_elements()]);
            let flat = Dispatch::float_reshape(tensor.clone(), numbers);
            Tensor::<1>::from_dispatch(flat).cast(self.dtype())
        });
        Tensor::cat([self.theta()].into_iter().chain(constants).collect(), 0)
    }

    /// Length of [`state`](Self::state).
    pub fn state_dim(&self) -> usize {
        let constants = self.fixed.iter();
        let constants = constants.map(|(_, tensor)| tensor.shape().num_elements());
        self.dim() + constants.sum::<usize>()
    }

    /// The same network at other parameters `theta`, `[dim]`, or in another [`state`](Self::state).
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Placement`].
    pub fn at(&self, theta: Tensor<1>) -> Result<Self, CurvatureError> {
        let (dim, state) = (self.dim(), self.state_dim());
        if state == dim || theta.dims() != [state] {
            return Ok(Self {
                tensors: self.unflatten(theta)?,
                ..self.clone()
            });
        }
        let mut fixed = Vec::with_capacity(self.fixed.len());
        let mut start = dim;
        for (position, tensor) in self.fixed.iter() {
            let end = start + tensor.shape().num_elements();
            let numbers = theta.clone().without_autodiff().slice(start..end);
            let numbers = numbers.cast(tensor.dtype()).into_dispatch();
            fixed.push((*position, Dispatch::float_reshape(numbers, tensor.shape())));
            start = end;
        }
        Ok(Self {
            tensors: self.unflatten(theta.slice(0..dim))?,
            fixed: fixed.into(),
            ..self.clone()
        })
    }

    /// `module` with its parameters set to `theta`, of shape `[dim]`; those that are constants here stay as they are,
    /// and what requires gradients requires them still. Parameters are matched by path and shape, whatever their ids:
    /// it may be another module of the same structure.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`], [`CurvatureError::Placement`]; [`CurvatureError::Module`] if a parameter has no
    /// place in `module`, or one of another shape or type.
    pub fn write<M: Module>(&self, module: M, theta: Tensor<1>) -> Result<M, CurvatureError> {
        let mut all = vec![None; self.module.tensors().len()];
        for (parameter, tensor) in self.parameters.iter().zip(self.unflatten(theta)?) {
            all[parameter.tensor] = Some(tensor);
        }
        let written = self.module.write(module, &all);
        written.map_err(|problems| CurvatureError::Module(problems.join("; ")))
    }

    /// A vector of the parameters, `[dim]`, or several, `[k, dim]`, as constants: what they must be like to be used
    /// with this model.
    ///
    /// # Errors
    /// [`CurvatureError::Dimension`] if they have another length; [`CurvatureError::Placement`] if they have another
    /// float type or live on another device.
    pub fn vectors<const D: usize>(&self, v: Tensor<D>) -> Result<Tensor<D>, CurvatureError> {
        let v = v.without_autodiff();
        let (expected, found) = (self.dim(), v.dims()[D - 1]);
        if expected != found {
            return Err(CurvatureError::Dimension { expected, found });
        }
        if v.dtype() != self.dtype() || v.device() != self.device {
            return Err(CurvatureError::Placement {
                what: "the vector".into(),
                found: format!("{:?} on {:?}", v.dtype(), v.device()),
                expected: format!("{:?} on {:?}", self.dtype(), self.device),
            });
        }
        Ok(v)
    }

    /// Outputs `[batch, outputs]` for the tensors of `inputs`: the parameters, the constants and a batch.
    pub(crate) fn forward(&self, inputs: &[DispatchTensor]) -> Tensor<2> {
        let outputs = self.returned(inputs);
        let shape = outputs.shape();
        if shape.num_dims() == 2 {
            return Tensor::from_dispatch(outputs);
        }
        let width = shape.num_elements() / shape[0].max(1);
        let rows = Shape::new([shape[0], width]);
        Tensor::from_dispatch(Dispatch::float_reshape(outputs, rows))
    }

    /// The outputs as the network returns them.
    pub(crate) fn returned(&self, inputs: &[DispatchTensor]) -> DispatchTensor {
        let (tensors, x) = inputs.split_at(self.tensors.len() + self.fixed.len());
        let places = self.parameters.iter().map(|p| p.tensor);
        let places = places.chain(self.fixed.iter().map(|(place, _)| *place));
        let mut all = vec![None; self.module.tensors().len()];
        for (place, tensor) in places.zip(tensors) {
            all[place] = Some(tensor.clone());
        }
        let x = x.iter().take(self.arity()).cloned().map(Rows::from);
        (self.forward)(&all, x.collect())
    }

    /// The tensors that every program takes first: the parameters, then the constants.
    pub(crate) fn tensors(&self) -> Vec<DispatchTensor> {
        let constants = self.fixed.iter().map(|(_, tensor)| tensor);
        self.tensors.iter().chain(constants).cloned().collect()
    }

    /// Number of tensors that an input consists of.
    pub(crate) fn arity(&self) -> usize {
        self.slots.len()
    }

    /// What the inputs' tensors must be.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// A flat vector as one tensor a parameter.
    fn unflatten(&self, flat: Tensor<1>) -> Result<Vec<DispatchTensor>, CurvatureError> {
        Ok(self.tensors.unravel(self.vectors(flat)?)?)
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

/// Where the flat vector of `parameters` ends.
fn end(parameters: &[Parameter]) -> usize {
    parameters.last().map_or(0, |last| last.offset + last.len())
}

/// The device of the parameters, which must be of one type and on one device.
fn check_alike(
    parameters: &[Parameter],
    tensors: &[DispatchTensor],
) -> Result<Device, CurvatureError> {
    let place = |tensor: &DispatchTensor| (tensor.dtype(), Device::new(tensor.device()));
    let mut places = parameters.iter().zip(tensors.iter().map(place));
    let Some((first, expected)) = places.next() else {
        let text = "the module has no trainable float parameter";
        return Err(CurvatureError::Parameters(text.into()));
    };
    match places.find(|(_, found)| *found != expected) {
        Some((other, found)) => Err(CurvatureError::Parameters(format!(
            "the parameters differ in type or device: `{}` is {:?} on {:?}, `{}` is {:?} on {:?}; cast or move the module",
            first.name, expected.0, expected.1, other.name, found.0, found.1
        ))),
        None => Ok(expected.1),
    }
}
