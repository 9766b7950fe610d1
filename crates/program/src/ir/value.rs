//! Tensors whose rank and kind are known at run time.

use burn::{
    backend::{BackendTensor, Dispatch, DispatchKindConversion, DispatchTensor},
    tensor::{Bool, Device, Float, Int, Tensor, kind},
};
use burn_backend::{
    Backend, Shape, TensorMetadata,
    ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    tensor::{BoolTensor, FloatTensor, IntTensor},
};
use burn_capture::{CaptureBackend, CaptureDevice};
use burn_ir::TensorIr;

use crate::ir::spec::Spec;

/// A tensor of backend `B`.
pub(crate) enum Value<B: Backend> {
    Float(FloatTensor<B>),
    Int(IntTensor<B>),
    Bool(BoolTensor<B>),
}

impl<B: Backend> Clone for Value<B> {
    fn clone(&self) -> Self {
        match self {
            Self::Float(t) => Self::Float(t.clone()),
            Self::Int(t) => Self::Int(t.clone()),
            Self::Bool(t) => Self::Bool(t.clone()),
        }
    }
}

impl Value<CaptureBackend> {
    /// The tensor's name in the recording.
    pub(crate) fn ir(&self) -> TensorIr {
        match self {
            Self::Float(t) | Self::Int(t) | Self::Bool(t) => {
                TensorIr::uninit(t.id(), t.shape(), t.dtype())
            }
        }
    }

    /// Where it is recorded.
    pub(crate) fn device(&self) -> CaptureDevice {
        match self {
            Self::Float(t) | Self::Int(t) | Self::Bool(t) => t.device(),
        }
    }

    /// The same tensor as users of `burn::Tensor` hold it.
    pub(crate) fn into_dispatch(self) -> DispatchTensor {
        let tensor = match self {
            Self::Float(t) => BackendTensor::<CaptureBackend>::Float(t),
            Self::Int(t) => BackendTensor::Int(t),
            Self::Bool(t) => BackendTensor::Bool(t),
        };
        DispatchTensor::from_backend(tensor)
    }

    /// The recorded tensor behind a `burn::Tensor`; `None` if it lives on another device.
    pub(crate) fn from_dispatch(tensor: DispatchTensor) -> Option<Self> {
        let tensor: BackendTensor<CaptureBackend> =
            DispatchTensor::try_into_backend(tensor).ok()?;
        match tensor {
            BackendTensor::Float(t) => Some(Self::Float(t)),
            BackendTensor::Int(t) => Some(Self::Int(t)),
            BackendTensor::Bool(t) => Some(Self::Bool(t)),
            _ => None,
        }
    }
}

impl Value<Dispatch> {
    /// The same elements in another shape.
    pub(crate) fn reshape(self, shape: Shape) -> Self {
        match self {
            Self::Float(x) => Self::Float(Dispatch::float_reshape(x, shape)),
            Self::Int(x) => Self::Int(Dispatch::int_reshape(x, shape)),
            Self::Bool(x) => Self::Bool(Dispatch::bool_reshape(x, shape)),
        }
    }
}

impl From<DispatchTensor> for Value<Dispatch> {
    fn from(tensor: DispatchTensor) -> Self {
        let dtype = tensor.dtype();
        if dtype.is_float() {
            Self::Float(tensor)
        } else if dtype.is_bool() {
            Self::Bool(tensor)
        } else {
            Self::Int(tensor)
        }
    }
}

impl From<Value<Dispatch>> for DispatchTensor {
    fn from(value: Value<Dispatch>) -> Self {
        match value {
            Value::Float(t) | Value::Int(t) | Value::Bool(t) => t,
        }
    }
}

impl Spec {
    /// A tensor of this shape and type that stands for an input while a function is recorded.
    pub(crate) fn placeholder(&self, device: &CaptureDevice) -> Value<CaptureBackend> {
        let shape = self.shape.clone();
        if self.dtype.is_float() {
            Value::Float(CaptureBackend::float_empty(
                shape,
                device,
                self.dtype.into(),
            ))
        } else if self.dtype.is_bool() {
            Value::Bool(CaptureBackend::bool_empty(shape, device, self.dtype.into()))
        } else {
            Value::Int(CaptureBackend::int_empty(shape, device, self.dtype.into()))
        }
    }
}

/// `tensor` without its autodiff association, if it has one.
pub fn without_autodiff(tensor: DispatchTensor) -> DispatchTensor {
    match Device::new(tensor.device()).is_autodiff() {
        true => moved(tensor, None),
        false => tensor,
    }
}

/// `tensor` without its autodiff association, on another device if one is given.
pub(crate) fn moved(tensor: DispatchTensor, device: Option<&Device>) -> DispatchTensor {
    // Ranks are not checked here, so 1 will do for all.
    fn of<K: kind::Autodiff>(tensor: DispatchTensor, device: Option<&Device>) -> DispatchTensor {
        let tensor = Tensor::<1, K>::from_dispatch(tensor).without_autodiff();
        let moved = device.map(|device| tensor.clone().to_device(device));
        moved.unwrap_or(tensor).into_dispatch()
    }
    let dtype = tensor.dtype();
    if dtype.is_float() {
        of::<Float>(tensor, device)
    } else if dtype.is_bool() {
        of::<Bool>(tensor, device)
    } else {
        of::<Int>(tensor, device)
    }
}
