//! ONNX's messages under the names of `onnx.proto`, whose fields keep their numbers in all versions: those that are used.

use prost::{Message, bytes::Bytes};

use super::tensor::TensorProto;
use crate::{
    error::OnnxProblem,
    port::{OnnxDim, OnnxElement, OnnxPort},
};

/// A network.
#[derive(Clone, Message)]
pub(crate) struct ModelProto {
    #[prost(message, optional, tag = "7")]
    pub(crate) graph: Option<GraphProto>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<OperatorSetIdProto>,
}

/// The version of a domain's operators.
#[derive(Clone, Message)]
struct OperatorSetIdProto {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

/// A graph of operations.
#[derive(Clone, Message)]
pub(crate) struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    pub(crate) node: Vec<NodeProto>,
    #[prost(message, repeated, tag = "5")]
    pub(crate) initializer: Vec<TensorProto>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<ValueInfoProto>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<ValueInfoProto>,
    #[prost(bytes = "bytes", repeated, tag = "15")]
    sparse_initializer: Vec<Bytes>,
}

/// An operation.
#[derive(Clone, Message)]
pub(crate) struct NodeProto {
    /// Names of tensors; "" is one that is left out.
    #[prost(string, repeated, tag = "1")]
    pub(crate) input: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) output: Vec<String>,
    #[prost(string, tag = "3")]
    name: String,
    #[prost(string, tag = "4")]
    pub(crate) op_type: String,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attribute: Vec<AttributeProto>,
    #[prost(string, tag = "7")]
    domain: String,
}

/// A setting of an operation.
#[derive(Clone, Message)]
pub(crate) struct AttributeProto {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(float, optional, tag = "2")]
    f: Option<f32>,
    #[prost(int64, optional, tag = "3")]
    i: Option<i64>,
    #[prost(bytes = "bytes", optional, tag = "4")]
    s: Option<Bytes>,
    #[prost(message, optional, tag = "5")]
    t: Option<TensorProto>,
    #[prost(float, repeated, tag = "7")]
    floats: Vec<f32>,
    #[prost(int64, repeated, tag = "8")]
    ints: Vec<i64>,
    #[prost(int32, tag = "20")]
    r#type: i32,
}

/// What an operation is set to.
pub(crate) enum AttributeValue<'a> {
    Float(f32),
    Int(i64),
    Text(&'a str),
    Tensor(&'a TensorProto),
    Floats(&'a [f32]),
    Ints(&'a [i64]),
    /// Several texts, a graph, a type, or another thing that no supported operator is set to.
    Other,
}

/// An input or output.
#[derive(Clone, Message)]
struct ValueInfoProto {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    r#type: Option<TypeProto>,
}

#[derive(Clone, Message)]
struct TypeProto {
    /// Nothing for a sequence, a map and the like.
    #[prost(message, optional, tag = "1")]
    tensor_type: Option<TensorTypeProto>,
}

#[derive(Clone, Message)]
struct TensorTypeProto {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<TensorShapeProto>,
}

#[derive(Clone, Message)]
struct TensorShapeProto {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, Message)]
struct Dimension {
    #[prost(int64, tag = "1")]
    dim_value: i64,
    #[prost(string, tag = "2")]
    dim_param: String,
}

/// ONNX's own domain has two names.
fn own(domain: &str) -> &str {
    match domain {
        "ai.onnx" => "",
        _ => domain,
    }
}

impl ModelProto {
    /// Raw numbers of tensors stay where they are in `file`.
    pub(crate) fn read(file: Vec<u8>) -> Result<Self, OnnxProblem> {
        Self::decode(Bytes::from(file)).map_err(|error| OnnxProblem::Format(error.to_string()))
    }

    /// The version of a domain's operators; ONNX's own is called "".
    pub(crate) fn version(&self, domain: &str) -> i64 {
        let mut all = self.opset_import.iter();
        let found = all.find(|it| own(&it.domain) == domain);
        found.map_or(1, |it| it.version)
    }
}

impl GraphProto {
    pub(crate) fn is_sparse(&self) -> bool {
        !self.sparse_initializer.is_empty()
    }

    pub(crate) fn inputs(&self) -> Vec<OnnxPort> {
        self.input.iter().map(ValueInfoProto::port).collect()
    }

    pub(crate) fn outputs(&self) -> Vec<OnnxPort> {
        self.output.iter().map(ValueInfoProto::port).collect()
    }
}

impl NodeProto {
    /// Its name; if it has none, that of what it computes.
    pub(crate) fn title(&self) -> &str {
        match (&self.name[..], self.output.first()) {
            ("", Some(output)) => output,
            (name, _) => name,
        }
    }

    /// Whose operator it is: "" is ONNX itself.
    pub(crate) fn domain(&self) -> &str {
        own(&self.domain)
    }

    /// What an attribute is set to, if it is there.
    pub(crate) fn value(&self, name: &str) -> Option<AttributeValue<'_>> {
        let mut all = self.attribute.iter();
        all.find(|it| it.name == name).map(AttributeProto::value)
    }
}

impl AttributeProto {
    fn value(&self) -> AttributeValue<'_> {
        let graph = false;
        let there = [
            self.f.is_some(),
            self.i.is_some(),
            self.s.is_some(),
            self.t.is_some(),
            graph,
            !self.floats.is_empty(),
            !self.ints.is_empty(),
        ];
        // Old files do not say what an attribute is: it is what there is.
        let kind = match self.r#type {
            0 => there
                .iter()
                .position(|&it| it)
                .map_or(0, |at| at as i32 + 1),
            kind => kind,
        };
        match (kind, &self.t) {
            (1, _) => AttributeValue::Float(self.f.unwrap_or_default()),
            (2, _) => AttributeValue::Int(self.i.unwrap_or_default()),
            (3, _) => match str::from_utf8(self.s.as_deref().unwrap_or_default()) {
                Ok(text) => AttributeValue::Text(text),
                Err(_) => AttributeValue::Other,
            },
            (4, Some(tensor)) => AttributeValue::Tensor(tensor),
            (6, _) => AttributeValue::Floats(&self.floats),
            (7, _) => AttributeValue::Ints(&self.ints),
            _ => AttributeValue::Other,
        }
    }
}

impl ValueInfoProto {
    fn port(&self) -> OnnxPort {
        let tensor = self.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
        let shape = tensor.and_then(|it| it.shape.as_ref());
        let dims = shape.iter().flat_map(|it| &it.dim);
        // Some exporters write 0 or -1 for a length that is not known.
        let dims = dims.map(|dim| match usize::try_from(dim.dim_value) {
            Ok(length) if length > 0 => OnnxDim::Fixed(length),
            _ => OnnxDim::Free(dim.dim_param.clone()),
        });
        OnnxPort {
            name: self.name.clone(),
            element: tensor.map_or(OnnxElement::Other, |it| {
                OnnxElement::of(it.elem_type.into())
            }),
            shape: dims.collect(),
        }
    }
}
