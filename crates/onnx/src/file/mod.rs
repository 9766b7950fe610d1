//! ONNX files as they are written.

mod message;
mod tensor;
mod wire;

pub(crate) use message::{AttributeValue, GraphMessage, ModelMessage, Node};
pub(crate) use tensor::StoredTensor;
