//! A network from an ONNX file.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::{
    Tensor,
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::*},
    module::{Devices, Module, ModuleMapper, ModuleVisitor},
    tensor::{Device, FloatDType, Shape},
};

use crate::{
    error::{OnnxError, OnnxProblem},
    graph::Graph,
    load::{Loaded, load},
    options::OnnxOptions,
    port::{OnnxDim, OnnxPort},
    rows::{columns, width},
    value::{Place, Value, dims},
    weight::Weight,
};

/// A network from an ONNX file: a Burn module whose parameters are the file's, under the file's names.
///
/// The crate's documentation says what is a parameter, what is computed in which type, and what is left out at the end.
/// It can be trained, saved, loaded and differentiated as any module. Batch norm is that of inference: its running
/// statistics are kept with the parameters, and are constants.
#[derive(Clone, Debug)]
pub struct OnnxModel {
    weights: Vec<Weight>,
    file: Arc<OnnxFile>,
}

/// What does not change when a network is trained.
#[derive(Debug)]
struct OnnxFile {
    path: PathBuf,
    graph: Graph,
    inputs: Vec<OnnxPort>,
    output: OnnxPort,
    declared: Vec<OnnxPort>,
    cut: Option<String>,
}

/// A float tensor of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxParameter {
    /// Its name in the file.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
}

impl OnnxModel {
    /// The network in the file at `path`, on `device`, without autodiff: call [`Module::train`] to train it.
    ///
    /// Numbers that the exporter put into a file of their own are read from there. Nothing is computed unless all
    /// operators and attributes are supported. Then, if the file tells all lengths but that of the batch, it is run on
    /// two examples of zeros, so that what cannot be run is told here.
    ///
    /// # Errors
    /// [`OnnxError`]: a file that cannot be read or is damaged, an operator or attribute that is not supported, a file
    /// without parameters, and the like.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, OnnxError> {
        Self::load_with(path, &OnnxOptions::default(), device)
    }

    /// The same with [`OnnxOptions`]: which tensor is the output, and which of the file's tensors are parameters.
    ///
    /// # Errors
    /// Those of [`load`](Self::load), and names and patterns in the options that the file does not have.
    pub fn load_with(
        path: impl AsRef<Path>,
        options: &OnnxOptions,
        device: &Device,
    ) -> Result<Self, OnnxError> {
        let path = path.as_ref();
        let device = device.clone().without_autodiff();
        let loaded = load(path, options, &device).map_err(|problem| problem.at(path))?;
        let model = Self::new(path, loaded);
        model.check()?;
        Ok(model)
    }

    fn new(path: &Path, loaded: Loaded) -> Self {
        Self {
            weights: loaded.weights,
            file: Arc::new(OnnxFile {
                path: path.to_path_buf(),
                graph: loaded.graph,
                inputs: loaded.inputs,
                output: loaded.output,
                declared: loaded.declared,
                cut: loaded.cut,
            }),
        }
    }

    /// Outputs `[batch, outputs]` of `inputs`, `[batch, inputs]`: an example's inputs and outputs are one row, whatever
    /// shape the file gives them. Token ids are whole numbers in a row of floats. For a sequence, a row of outputs holds
    /// those of all places, one place after the other. Several inputs stand in a row one after the other, in the order
    /// of [`inputs`](Self::inputs).
    ///
    /// The file's outputs are logits wherever it lets them be: see [`cut`](Self::cut).
    ///
    /// # Panics
    /// If the network cannot be run on rows of this length; [`try_forward`](Self::try_forward) tells instead.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.try_forward(inputs)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// [`forward`](Self::forward), which tells why it cannot be run.
    ///
    /// # Errors
    /// [`OnnxProblem::Inputs`] for rows of another length, [`OnnxProblem::Node`] for shapes that do not fit, and
    /// [`OnnxProblem::Outputs`] for outputs that have not a row an example.
    pub fn try_forward(&self, inputs: Tensor<2>) -> Result<Tensor<2>, OnnxError> {
        let batch = inputs.dims()[0];
        let outputs = self.run(inputs)?;
        let width = outputs.shape().num_elements() / batch.max(1);
        let rows = Dispatch::float_reshape(outputs, Shape::new([batch, width]));
        Ok(Tensor::from_dispatch(rows))
    }

    /// [`forward`](Self::forward) with outputs in the shape that the file gives them, such as `[batch, places,
    /// classes]`.
    ///
    /// # Errors
    /// Those of [`try_forward`](Self::try_forward), and outputs that have not `D` axes.
    pub fn forward_shaped<const D: usize>(
        &self,
        inputs: Tensor<2>,
    ) -> Result<Tensor<D>, OnnxError> {
        let outputs = self.run(inputs)?;
        match dims(&outputs).len() {
            rank if rank == D => Ok(Tensor::from_dispatch(outputs)),
            rank => Err(self.error(OnnxProblem::Outputs(format!(
                "its outputs have {rank} axes, not {D}"
            )))),
        }
    }

    /// What the network reads, in the order of a row of inputs. The first axis of each is the batch.
    pub fn inputs(&self) -> &[OnnxPort] {
        &self.file.inputs
    }

    /// What [`forward`](Self::forward) returns. Its shape is empty where the file does not tell.
    pub fn output(&self) -> &OnnxPort {
        &self.file.output
    }

    /// All outputs that the file declares, of which [`forward`](Self::forward) returns one, or what stands before it.
    pub fn outputs(&self) -> &[OnnxPort] {
        &self.file.declared
    }

    /// The operator at the end of the file that was left out, if one was: a softmax or sigmoid makes probabilities of
    /// logits, and losses are of logits.
    pub fn cut(&self) -> Option<&str> {
        self.file.cut.as_deref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// The tensors of the module, in its order: the parameters, and what is kept with them, such as running statistics.
    pub fn tensors(&self) -> Vec<OnnxParameter> {
        let all = self.weights.iter().map(|weight| OnnxParameter {
            name: weight.name.clone(),
            shape: weight.shape(),
        });
        all.collect()
    }

    fn error(&self, problem: OnnxProblem) -> OnnxError {
        problem.at(&self.file.path)
    }

    /// The outputs in the file's shape: floats with a row an example.
    fn run(&self, inputs: Tensor<2>) -> Result<DispatchTensor, OnnxError> {
        let weights: Vec<_> = self.weights.iter().map(Weight::value).collect();
        let first = weights.first().expect("a network has parameters");
        let place = Place {
            device: Device::new(first.device()),
            float: FloatDType::from(first.dtype()),
        };
        let batch = inputs.dims()[0];
        let found = columns(&self.file.inputs, inputs, place.float)
            .and_then(|values| self.file.graph.run(weights, values, &place));
        let outputs = match found.map_err(|problem| self.error(problem))? {
            Value::Device(outputs) if outputs.dtype().is_float() => outputs,
            _ => {
                let text =
                    "its output does not depend on parameters, or holds no floating-point numbers";
                return Err(self.error(OnnxProblem::Outputs(text.into())));
            }
        };
        match dims(&outputs)[0] == batch {
            true => Ok(outputs),
            false => Err(self.error(OnnxProblem::Outputs(format!(
                "for {batch} examples its outputs have shape {:?}, without a row an example; export it with a free \
                 batch dimension",
                dims(&outputs)
            )))),
        }
    }

    /// Runs two examples of zeros, if the file tells how long a row is.
    fn check(&self) -> Result<(), OnnxError> {
        let Some(length) = width(&self.file.inputs) else {
            return Ok(());
        };
        let zeros = |batch: usize| {
            let device = self.weights.first().map(Weight::device);
            let device = device.expect("a network has parameters");
            self.try_forward(Tensor::zeros([batch, length], &device))
        };
        let fixed = self
            .file
            .inputs
            .iter()
            .find_map(|port| match port.shape.first() {
                Some(OnnxDim::Fixed(length)) => Some(*length),
                _ => None,
            });
        match (zeros(2), fixed) {
            (Ok(_), _) => Ok(()),
            (Err(_), Some(batch)) if batch != 2 && zeros(batch).is_ok() => {
                Err(self.error(OnnxProblem::Inputs(format!(
                    "it takes {batch} examples at a time and no other number; export it with a free batch dimension \
                     (`dynamic_shapes`, or `dynamic_axes` of the older exporter)"
                ))))
            }
            (Err(error), _) => Err(error),
        }
    }
}

impl Module for OnnxModel {
    fn collect_devices(&self, devices: Devices) -> Devices {
        let all = self.weights.iter();
        all.fold(devices, |devices, weight| weight.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        self.each(|weight| weight.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.each(|weight| weight.to_device(device))
    }

    fn train(self) -> Self {
        self.each(Module::train)
    }

    fn valid(&self) -> Self {
        Self {
            weights: self.weights.iter().map(Module::valid).collect(),
            file: self.file.clone(),
        }
    }

    fn materialize(self) -> Self {
        self.each(Module::materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.weights.iter().for_each(|weight| weight.visit(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.each(|weight| weight.map(mapper))
    }
}

impl OnnxModel {
    fn each(self, f: impl FnMut(Weight) -> Weight) -> Self {
        Self {
            weights: self.weights.into_iter().map(f).collect(),
            file: self.file,
        }
    }
}
