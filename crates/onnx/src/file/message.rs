//! ONNX's messages, as much of them as is used: `onnx.proto`, whose fields keep their numbers in all versions.

use super::{
    tensor::StoredTensor,
    wire::{Fields, Read},
};
use crate::port::{OnnxDim, OnnxElement, OnnxPort};

/// A network.
#[derive(Default)]
pub(crate) struct ModelMessage<'a> {
    pub(crate) graph: Option<GraphMessage<'a>>,
    /// The version of each domain's operators; ONNX's own is called "".
    pub(crate) versions: Vec<(String, i64)>,
}

/// A graph of operations.
#[derive(Default)]
pub(crate) struct GraphMessage<'a> {
    pub(crate) nodes: Vec<Node<'a>>,
    pub(crate) initializers: Vec<StoredTensor<'a>>,
    pub(crate) sparse: bool,
    pub(crate) inputs: Vec<OnnxPort>,
    pub(crate) outputs: Vec<OnnxPort>,
}

/// An operation.
#[derive(Clone, Default)]
pub(crate) struct Node<'a> {
    pub(crate) name: String,
    pub(crate) operator: String,
    /// Whose operator it is: "" is ONNX itself.
    pub(crate) domain: String,
    /// Names of tensors; "" is one that is left out.
    pub(crate) inputs: Vec<String>,
    pub(crate) outputs: Vec<String>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// A setting of an operation.
#[derive(Clone)]
pub(crate) struct Attribute<'a> {
    pub(crate) name: String,
    pub(crate) value: AttributeValue<'a>,
}

/// What an operation is set to.
#[derive(Clone)]
pub(crate) enum AttributeValue<'a> {
    Float(f64),
    Int(i64),
    Text(String),
    Tensor(Box<StoredTensor<'a>>),
    Floats(Vec<f64>),
    Ints(Vec<i64>),
    /// Several texts, a graph, a type, or another thing that no supported operator is set to.
    Other,
}

impl<'a> ModelMessage<'a> {
    pub(crate) fn read(message: &'a [u8]) -> Read<Self> {
        let mut model = Self::default();
        for field in Fields::of(message) {
            match field? {
                (7, graph) => model.graph = Some(GraphMessage::read(graph.bytes()?)?),
                (8, version) => {
                    let (mut domain, mut number) = (String::new(), 0);
                    for field in Fields::of(version.bytes()?) {
                        match field? {
                            (1, value) => domain = value.text()?,
                            (2, value) => number = value.int()?,
                            _ => (),
                        }
                    }
                    model.versions.push((own(domain), number));
                }
                _ => (),
            }
        }
        Ok(model)
    }
}

/// ONNX's own domain has two names.
fn own(domain: String) -> String {
    match domain.as_str() {
        "ai.onnx" => String::new(),
        _ => domain,
    }
}

impl<'a> GraphMessage<'a> {
    fn read(message: &'a [u8]) -> Read<Self> {
        let mut graph = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, node) => graph.nodes.push(Node::read(node.bytes()?)?),
                (5, tensor) => graph
                    .initializers
                    .push(StoredTensor::read(tensor.bytes()?)?),
                (11, port) => graph.inputs.push(read_port(port.bytes()?)?),
                (12, port) => graph.outputs.push(read_port(port.bytes()?)?),
                (15, _) => graph.sparse = true,
                _ => (),
            }
        }
        Ok(graph)
    }
}

impl<'a> Node<'a> {
    fn read(message: &'a [u8]) -> Read<Self> {
        let mut node = Self::default();
        for field in Fields::of(message) {
            match field? {
                (1, name) => node.inputs.push(name.text()?),
                (2, name) => node.outputs.push(name.text()?),
                (3, name) => node.name = name.text()?,
                (4, operator) => node.operator = operator.text()?,
                (5, attribute) => node.attributes.push(Attribute::read(attribute.bytes()?)?),
                (7, domain) => node.domain = own(domain.text()?),
                _ => (),
            }
        }
        if node.name.is_empty() {
            // The name of what it computes is the only one there is.
            node.name = node.outputs.first().cloned().unwrap_or_default();
        }
        Ok(node)
    }
}

impl<'a> Attribute<'a> {
    fn read(message: &'a [u8]) -> Read<Self> {
        let (mut name, mut kind) = (String::new(), None);
        let (mut float, mut int, mut text, mut tensor) = (0.0, 0, String::new(), None);
        let (mut floats, mut ints) = (Vec::new(), Vec::new());
        let mut met = 0;
        for field in Fields::of(message) {
            let (number, value) = field?;
            match number {
                1 => name = value.text()?,
                2 => float = value.float()?,
                3 => int = value.int()?,
                // Bytes of any kind may stand here; where text is meant it is in UTF-8.
                4 => text = String::from_utf8_lossy(value.bytes()?).into_owned(),
                5 => tensor = Some(StoredTensor::read(value.bytes()?)?),
                7 => value.floats(&mut floats)?,
                8 => value.ints(&mut ints)?,
                20 => kind = Some(value.int()?),
                _ => (),
            }
            if matches!(number, 2..=11) {
                met = number;
            }
        }
        // Old files do not say what an attribute is: it is what there is.
        let kind = kind.unwrap_or(match met {
            2..=5 => met as i64 - 1,
            7 => 6,
            8 => 7,
            9 => 8,
            _ => 0,
        });
        let value = match (kind, tensor) {
            (1, _) => AttributeValue::Float(f64::from(float)),
            (2, _) => AttributeValue::Int(int),
            (3, _) => AttributeValue::Text(text),
            (4, Some(tensor)) => AttributeValue::Tensor(Box::new(tensor)),
            (6, _) => AttributeValue::Floats(floats.into_iter().map(f64::from).collect()),
            (7, _) => AttributeValue::Ints(ints),
            _ => AttributeValue::Other,
        };
        Ok(Self { name, value })
    }
}

fn read_port(message: &[u8]) -> Read<OnnxPort> {
    let mut port = OnnxPort {
        name: String::new(),
        element: OnnxElement::Other,
        shape: Vec::new(),
    };
    for field in Fields::of(message) {
        match field? {
            (1, name) => port.name = name.text()?,
            (2, kind) => {
                for field in Fields::of(kind.bytes()?) {
                    if let (1, tensor) = field? {
                        read_tensor_type(tensor.bytes()?, &mut port)?;
                    }
                }
            }
            _ => (),
        }
    }
    Ok(port)
}

fn read_tensor_type(message: &[u8], port: &mut OnnxPort) -> Read<()> {
    for field in Fields::of(message) {
        match field? {
            (1, element) => port.element = OnnxElement::of(element.int()?),
            (2, shape) => {
                for field in Fields::of(shape.bytes()?) {
                    if let (1, dim) = field? {
                        port.shape.push(read_dim(dim.bytes()?)?);
                    }
                }
            }
            _ => (),
        }
    }
    Ok(())
}

fn read_dim(message: &[u8]) -> Read<OnnxDim> {
    let mut dim = OnnxDim::Free(String::new());
    for field in Fields::of(message) {
        match field? {
            // Some exporters write 0 or -1 for a length that is not known.
            (1, length) => match usize::try_from(length.int()?) {
                Ok(length) if length > 0 => dim = OnnxDim::Fixed(length),
                _ => (),
            },
            (2, name) => dim = OnnxDim::Free(name.text()?),
            _ => (),
        }
    }
    Ok(dim)
}
