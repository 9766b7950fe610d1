//! From a file to a network that can run.

mod initializers;
mod needed;
mod output;

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use burn::tensor::{Device, FloatDType};

use crate::{
    error::OnnxProblem,
    file::{GraphProto, ModelProto, NodeProto},
    graph::{Graph, Step},
    operator::{NodeReader, Operation, parse},
    options::OnnxOptions,
    port::{OnnxElement, OnnxPort},
    value::{Place, Value},
    weight::Weight,
};

use initializers::{Role, Use};

/// The versions of ONNX's operators that are known.
const VERSIONS: (i64, i64) = (7, 25);

/// What a file holds.
pub(crate) struct Loaded {
    pub(crate) graph: Graph,
    pub(crate) weights: Vec<Weight>,
    pub(crate) inputs: Vec<OnnxPort>,
    pub(crate) output: OnnxPort,
    /// All outputs that the file declares.
    pub(crate) declared: Vec<OnnxPort>,
    /// The operator at the end that was left out, if one was.
    pub(crate) cut: Option<String>,
}

/// Reads `path`; the module's tensors are put on `device`.
pub(crate) fn load(
    path: &Path,
    options: &OnnxOptions,
    device: &Device,
) -> Result<Loaded, OnnxProblem> {
    let bytes = fs::read(path).map_err(OnnxProblem::Read)?;
    let model = ModelProto::read(bytes)?;
    let graph = model.graph.as_ref();
    let graph = graph.ok_or_else(|| OnnxProblem::Format("it holds no graph".into()))?;
    if graph.is_sparse() {
        let text = "it has sparse initializers, which are not supported";
        return Err(OnnxProblem::Format(text.into()));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    Builder {
        graph,
        model: &model,
        folder,
        options,
        device,
        slots: HashMap::new(),
    }
    .build()
}

/// Puts a network together.
struct Builder<'a> {
    graph: &'a GraphProto,
    model: &'a ModelProto,
    folder: &'a Path,
    options: &'a OnnxOptions,
    device: &'a Device,
    /// Where tensors stand, by name.
    slots: HashMap<String, usize>,
}

/// The stored tensors of a network, each where it stands.
#[derive(Default)]
struct Stored {
    weights: Vec<Weight>,
    weight_slots: Vec<usize>,
    constants: Vec<(usize, Value)>,
    /// Names of parameters that have a copy that is a constant.
    copied: HashSet<String>,
}

impl<'a> Builder<'a> {
    fn build(mut self) -> Result<Loaded, OnnxProblem> {
        let nodes = needed::without_identities(&self.graph.node);
        let chosen = output::choose(self.graph, &nodes, self.options.output.as_deref())?;
        let kept = needed::needed(self.graph, &nodes, &chosen.tensor)?;
        let operations = kept.iter().map(|node| {
            let version = self.version(node.domain())?;
            parse(&NodeReader::new(node, version, self.folder))
        });
        let operations: Vec<Operation> = operations.collect::<Result<_, _>>()?;
        let uses = uses(&kept, &operations);
        let roles = initializers::roles(self.graph, &nodes, &uses, self.options)?;
        let place = Place {
            device: self.device.clone(),
            float: initializers::float_type(self.graph, &roles),
        };
        let stored = self.stored(&roles, &place)?;
        let inputs = self.inputs(&kept);
        let ports = inputs.iter().map(|port| self.slot(&port.name));
        let input_slots = ports.collect();
        let steps = kept.into_iter().zip(operations);
        let steps = steps.map(|(node, operation)| self.step(node, operation, &stored.copied));
        let steps = steps.collect();
        let output = self.slot(&chosen.tensor);
        let mut graph = Graph {
            steps,
            slots: self.slots.len(),
            constants: stored.constants,
            weights: stored.weight_slots,
            inputs: input_slots,
            output,
        };
        fold(&mut graph, &place)?;
        graph.note_last_reads();
        Ok(Loaded {
            graph,
            weights: stored.weights,
            inputs,
            output: chosen.port,
            declared: self.graph.outputs(),
            cut: chosen.cut,
        })
    }

    /// Where the tensor called `name` stands.
    fn slot(&mut self, name: &str) -> usize {
        match self.slots.get(name) {
            Some(&slot) => slot,
            None => {
                self.slots.insert(name.into(), self.slots.len());
                self.slots.len() - 1
            }
        }
    }

    /// Reads the stored tensors that are used, and puts those of the module on the device.
    fn stored(&mut self, roles: &[Role], place: &Place) -> Result<Stored, OnnxProblem> {
        let mut stored = Stored::default();
        let graph = self.graph;
        for (tensor, role) in graph.initializer.iter().zip(roles) {
            if *role == Role::Unused {
                continue;
            }
            let host = tensor.load(self.folder)?;
            let slot = self.slot(&tensor.name);
            if *role == Role::Constant {
                stored.constants.push((slot, Value::host(host)));
                continue;
            }
            let shape = host.shape.clone();
            let trainable = matches!(role, Role::Parameter { .. });
            let weight = Weight::new(tensor.name.clone(), place.upload(&host), trainable);
            stored
                .weights
                .push(weight.ok_or_else(|| OnnxProblem::Tensor {
                    tensor: tensor.name.clone(),
                    reason: format!("has shape {shape:?}; parameters may have up to six axes"),
                })?);
            stored.weight_slots.push(slot);
            if *role == (Role::Parameter { fixed: true }) {
                let copy = self.slot(&fixed_name(&tensor.name));
                stored.constants.push((copy, Value::host(host)));
                stored.copied.insert(tensor.name.clone());
            }
        }
        Ok(stored)
    }

    /// A node with the places of what it reads and writes.
    fn step(&mut self, node: &NodeProto, operation: Operation, copied: &HashSet<String>) -> Step {
        let reads = node.input.iter().enumerate().map(|(position, name)| {
            let fixed = operation.constants.contains(&position) && copied.contains(name);
            match name.is_empty() {
                true => None,
                false if fixed => Some(self.slot(&fixed_name(name))),
                false => Some(self.slot(name)),
            }
        });
        let inputs = reads.collect();
        let writes = node.output.iter().take(operation.outputs);
        let writes = writes.map(|name| (!name.is_empty()).then(|| self.slot(name)));
        Step {
            node: node.title().into(),
            operator: node.op_type.clone(),
            inputs,
            outputs: writes.collect(),
            operation,
            last: Vec::new(),
        }
    }

    /// The version of a domain's operators.
    fn version(&self, domain: &str) -> Result<i64, OnnxProblem> {
        let version = self.model.version(domain);
        match domain.is_empty() && !(VERSIONS.0..=VERSIONS.1).contains(&version) {
            true => Err(OnnxProblem::Version {
                version,
                known: VERSIONS,
            }),
            false => Ok(version),
        }
    }

    /// The inputs that some node reads, in the order of the file. Old files list initializers among them.
    fn inputs(&self, kept: &[&NodeProto]) -> Vec<OnnxPort> {
        let stored = |name: &str| self.graph.initializer.iter().any(|it| it.name == name);
        let read = |name: &String| kept.iter().any(|node| node.input.contains(name));
        let mut inputs = self.graph.inputs();
        inputs.retain(|port| !stored(&port.name) && read(&port.name));
        inputs
    }
}

/// Who reads each tensor, by its name.
fn uses<'n>(kept: &[&'n NodeProto], operations: &[Operation]) -> HashMap<&'n str, Vec<Use<'n>>> {
    let mut uses: HashMap<&str, Vec<Use<'_>>> = HashMap::new();
    for (node, operation) in kept.iter().copied().zip(operations) {
        for (position, name) in node.input.iter().enumerate() {
            uses.entry(name).or_default().push(Use {
                node,
                position,
                constant: operation.constants.contains(&position),
                weight: operation.weights.contains(&position),
            });
        }
    }
    uses
}

/// What the copy of a parameter is called that is read where a constant must stand: no tensor of a file is.
fn fixed_name(name: &str) -> String {
    format!("\0{name}")
}

/// Runs the steps that depend on constants alone, and leaves their results in their place.
fn fold(graph: &mut Graph, place: &Place) -> Result<(), OnnxProblem> {
    let mut known: Vec<Option<Value>> = vec![None; graph.slots];
    for (slot, value) in &graph.constants {
        known[*slot] = Some(value.clone());
    }
    for step in std::mem::take(&mut graph.steps) {
        let constant = step
            .inputs
            .iter()
            .flatten()
            .all(|&slot| known[slot].is_some());
        if !constant {
            graph.steps.push(step);
            continue;
        }
        let outputs = step.run(&known, place)?;
        if outputs
            .iter()
            .any(|value| matches!(value, Value::Device(_)))
        {
            // Of no use on the host: computed anew each time, where the network then is.
            graph.steps.push(step);
            continue;
        }
        for (slot, value) in step.outputs.iter().zip(outputs) {
            if let Some(slot) = slot {
                known[*slot] = Some(value.clone());
                graph.constants.push((*slot, value));
            }
        }
    }
    let read = |slot: usize| {
        let mut steps = graph.steps.iter();
        slot == graph.output || steps.any(|step| step.inputs.contains(&Some(slot)))
    };
    let kept: Vec<_> = graph
        .constants
        .iter()
        .map(|(slot, _)| read(*slot))
        .collect();
    let mut kept = kept.into_iter();
    graph.constants.retain(|_| kept.next().unwrap_or(true));
    Ok(())
}

/// The element type of floats in `element`'s width; 16 bits are computed with in 32.
pub(crate) fn float_of(element: OnnxElement) -> FloatDType {
    match element {
        OnnxElement::F64 => FloatDType::F64,
        _ => FloatDType::F32,
    }
}
