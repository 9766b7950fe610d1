//! What flows through a graph: tensors on a device, which the engine sees, and tensors on the host.

use std::sync::Arc;

use burn::{
    backend::{Dispatch, DispatchTensor, TensorMetadata, ops::*},
    tensor::{DType, Device, FloatDType, Int, Shape, Tensor, TensorData},
};

use crate::host::{HostData, HostTensor, Kind};

/// A tensor of any rank. What does not depend on parameters, nor on the numbers of an input, stays on the host.
///
/// A tensor on a device has at least one axis: a single number there has one, of length 1.
#[derive(Clone, Debug)]
// There are but a few of them at once.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Value {
    Device(DispatchTensor),
    Host(Arc<HostTensor>),
}

/// Calls the operation of a tensor's kind: those for floats, whole numbers and truth values.
macro_rules! by_kind {
    ($tensor:expr, $float:ident, $int:ident, $bool:ident $(, $argument:expr)*) => {{
        let tensor = $tensor;
        match $crate::value::kind(&tensor) {
            $crate::host::Kind::Float => Dispatch::$float(tensor $(, $argument)*),
            $crate::host::Kind::Int => Dispatch::$int(tensor $(, $argument)*),
            $crate::host::Kind::Bool => Dispatch::$bool(tensor $(, $argument)*),
        }
    }};
}
pub(crate) use by_kind;

/// The kind of a tensor on a device.
pub(crate) fn kind(tensor: &DispatchTensor) -> Kind {
    let dtype = tensor.dtype();
    if dtype.is_float() {
        Kind::Float
    } else if dtype.is_bool() {
        Kind::Bool
    } else {
        Kind::Int
    }
}

/// The axes of a tensor on a device.
pub(crate) fn dims(tensor: &DispatchTensor) -> Vec<usize> {
    tensor.shape().as_slice().to_vec()
}

/// The same elements in another shape.
pub(crate) fn reshape(tensor: DispatchTensor, shape: &[usize]) -> DispatchTensor {
    if tensor.shape().as_slice() == shape {
        return tensor;
    }
    let shape = match shape {
        [] => Shape::new([1]),
        shape => Shape::from(shape.to_vec()),
    };
    by_kind!(tensor, float_reshape, int_reshape, bool_reshape, shape)
}

/// Where and in what a graph is computed.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) device: Device,
    /// What floats are computed in.
    pub(crate) float: FloatDType,
}

impl Place {
    /// Puts a tensor on the device.
    pub(crate) fn upload(&self, tensor: &HostTensor) -> DispatchTensor {
        let count = tensor.len();
        let flat = match &tensor.data {
            HostData::Float(data) => {
                let data = TensorData::new(data.clone(), [count]);
                let dtype = DType::from(self.float);
                Tensor::<1>::from_data(data, (&self.device, dtype)).into_dispatch()
            }
            HostData::Int(data) => {
                let data = TensorData::new(data.clone(), [count]);
                Tensor::<1, Int>::from_data(data, &self.device).into_dispatch()
            }
            HostData::Bool(data) => {
                let data = TensorData::new(data.clone(), [count]);
                Tensor::<1, burn::tensor::Bool>::from_data(data, &self.device).into_dispatch()
            }
        };
        reshape(flat, &tensor.shape)
    }

    /// What truth values are kept in.
    pub(crate) fn bool_dtype(&self) -> burn::tensor::BoolDType {
        self.device.settings().bool_dtype
    }

    /// What whole numbers are kept in.
    pub(crate) fn int_dtype(&self) -> burn::tensor::IntDType {
        self.device.settings().int_dtype
    }
}

impl Value {
    pub(crate) fn host(tensor: HostTensor) -> Self {
        Self::Host(Arc::new(tensor))
    }

    pub(crate) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Device(tensor) => dims(tensor),
            Self::Host(tensor) => tensor.shape.clone(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Device(tensor) => kind(tensor),
            Self::Host(tensor) => tensor.kind(),
        }
    }

    /// On the device, wherever it is.
    pub(crate) fn on(self, place: &Place) -> DispatchTensor {
        match self {
            Self::Device(tensor) => tensor,
            Self::Host(tensor) => place.upload(&tensor),
        }
    }

    /// The same elements in another shape.
    pub(crate) fn reshape(self, shape: &[usize]) -> Self {
        match self {
            Self::Device(tensor) => Self::Device(reshape(tensor, shape)),
            Self::Host(tensor) => Self::host(tensor.reshape(shape.to_vec())),
        }
    }
}
