//! ONNX files as they are written.

mod message;
mod tensor;

pub(crate) use message::{AttributeValue, GraphProto, ModelProto, NodeProto};
pub(crate) use tensor::TensorProto;
