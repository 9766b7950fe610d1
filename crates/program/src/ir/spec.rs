//! Shapes and types of tensors.

use std::fmt;

use burn::backend::DispatchTensor;
use burn_backend::{DType, Shape, TensorMetadata};
use burn_ir::TensorIr;

/// Shape and type of a tensor.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spec {
    /// The tensor's shape.
    pub shape: Shape,
    /// The type of its elements.
    pub dtype: DType,
}

impl Spec {
    /// Shape `shape` and type `dtype`.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        Self {
            shape: shape.into(),
            dtype,
        }
    }

    /// The shape and type of `tensor`.
    pub fn of(tensor: &DispatchTensor) -> Self {
        Self {
            shape: tensor.shape(),
            dtype: tensor.dtype(),
        }
    }
}

/// `F32[2, 3]`.
impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{:?}", self.dtype, self.shape.as_slice())
    }
}

/// The shape and type of a recorded tensor.
pub(crate) fn spec(tensor: &TensorIr) -> Spec {
    Spec {
        shape: tensor.shape.clone(),
        dtype: tensor.dtype,
    }
}

/// The different types of a kind among `dtypes`.
pub(crate) fn different(
    dtypes: impl Iterator<Item = DType>,
    kind: impl Fn(&DType) -> bool,
) -> Vec<DType> {
    let mut types = Vec::new();
    for dtype in dtypes.filter(kind) {
        if !types.contains(&dtype) {
            types.push(dtype);
        }
    }
    types
}
