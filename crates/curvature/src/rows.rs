//! Batches as rankless tensors: rows are examples.

use std::ops::Range;

use backdraft_program::{DispatchTensor, Spec, bool_select, without_autodiff};
use burn::{
    Tensor,
    backend::{
        Dispatch, Slice, TensorMetadata,
        ops::{BoolTensorOps, FloatTensorOps, IntTensorOps},
    },
    tensor::{
        Bool, DType, Device, Float, Int, Shape, TensorReadError,
        kind::{Basic, Kind},
    },
};

use crate::CurvatureError;

/// The kinds of tensor that a model can read: `Float`, `Int` and `Bool`.
pub trait RowKind: Basic + 'static {}

impl RowKind for Float {}
impl RowKind for Int {}
impl RowKind for Bool {}

/// A tensor of any rank and kind whose first dimension counts examples.
#[derive(Clone, Debug)]
pub struct Rows(DispatchTensor);

impl<const D: usize, K: RowKind> From<Tensor<D, K>> for Rows {
    fn from(tensor: Tensor<D, K>) -> Self {
        tensor.into_dispatch().into()
    }
}

impl From<DispatchTensor> for Rows {
    fn from(tensor: DispatchTensor) -> Self {
        Self(without_autodiff(tensor))
    }
}

impl Rows {
    /// Number of examples.
    pub fn len(&self) -> usize {
        self.0.shape()[0]
    }

    /// Whether there is no example.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor's shape.
    pub fn shape(&self) -> Shape {
        self.0.shape()
    }

    /// The tensor's kind of elements.
    pub fn kind(&self) -> Kind {
        let dtype = self.0.dtype();
        if dtype.is_float() {
            Kind::Float
        } else if dtype.is_bool() {
            Kind::Bool
        } else {
            Kind::Int
        }
    }

    /// Where the tensor lives.
    pub fn device(&self) -> Device {
        Device::new(self.0.device())
    }

    /// The tensor.
    ///
    /// # Panics
    /// If it is of another rank or kind.
    pub fn into_tensor<const D: usize, K: RowKind>(self) -> Tensor<D, K> {
        let found = (self.shape().num_dims(), self.kind());
        assert_eq!(found, (D, K::KIND), "the tensor's rank and kind");
        Tensor::from_dispatch(self.0)
    }

    /// Shape and type of the tensor.
    pub(crate) fn spec(&self) -> Spec {
        Spec::of(&self.0)
    }

    /// Whether they hold floats.
    pub(crate) fn is_float(&self) -> bool {
        self.0.dtype().is_float()
    }

    /// All elements of rows of floats.
    pub(crate) fn flat(&self) -> Tensor<1> {
        let shape = Shape::new([self.0.shape().num_elements()]);
        Tensor::from_dispatch(Dispatch::float_reshape(self.0.clone(), shape))
    }

    /// Rows of floats as a table: all elements of an example in a row, `[examples, elements]`.
    ///
    /// # Panics
    /// If they are no floats.
    pub fn table(&self) -> Tensor<2> {
        assert_eq!(self.kind(), Kind::Float, "the elements of a table");
        let (rows, elements) = (self.len(), self.0.shape().num_elements());
        let shape = Shape::new([rows, elements / rows.max(1)]);
        Tensor::from_dispatch(Dispatch::float_reshape(self.0.clone(), shape))
    }

    /// Examples of the same shape as these, from their [`table`](Self::table), `[k, elements]`.
    ///
    /// # Panics
    /// If the examples have another number of elements.
    pub fn of_table(&self, table: Tensor<2>) -> Self {
        let mut shape = self.shape().to_vec();
        shape[0] = table.dims()[0];
        Dispatch::float_reshape(table.into_dispatch(), Shape::from(shape)).into()
    }

    /// All elements as floats.
    pub(crate) fn numbers(&self) -> Tensor<1> {
        let shape = Shape::new([self.0.shape().num_elements()]);
        let tensor = self.0.clone();
        match self.0.dtype() {
            dtype if dtype.is_float() => self.flat(),
            dtype if dtype.is_bool() => {
                Tensor::<1, Bool>::from_dispatch(Dispatch::bool_reshape(tensor, shape)).float()
            }
            _ => Tensor::<1, Int>::from_dispatch(Dispatch::int_reshape(tensor, shape)).float(),
        }
    }

    /// Bytes of all rows.
    pub(crate) fn bytes(&self) -> usize {
        self.0.shape().num_elements() * self.0.dtype().size()
    }

    /// The examples of `range`.
    pub fn slice(&self, range: Range<usize>) -> Self {
        if range == (0..self.len()) {
            return self.clone();
        }
        let slices = [Slice::from(range)];
        let (tensor, dtype) = (self.0.clone(), self.0.dtype());
        Self(if dtype.is_float() {
            Dispatch::float_slice(tensor, &slices)
        } else if dtype.is_bool() {
            Dispatch::bool_slice(tensor, &slices)
        } else {
            Dispatch::int_slice(tensor, &slices)
        })
    }

    /// Every example as a batch of its own, `[examples, 1, ..]`.
    pub(crate) fn apart(&self) -> DispatchTensor {
        let mut shape = self.shape().to_vec();
        shape.insert(1, 1);
        self.reshaped(Shape::from(shape))
    }

    /// The same on another device. Whole numbers and truth values in the type that is `device`'s own, where that of this
    /// one is another.
    ///
    /// # Errors
    /// [`CurvatureError::Device`] if they cannot be read.
    pub(crate) fn to_device(&self, device: &Device) -> Result<Self, CurvatureError> {
        let here = self.device();
        if here == *device {
            return Ok(self.clone());
        }
        let (dtype, shape) = (self.0.dtype(), self.shape());
        let flat = self.reshaped(Shape::new([shape.num_elements()]));
        let (here, there) = (here.settings(), device.settings());
        let own = |here: DType, there: DType| if here == there { dtype } else { there };
        let moved = match self.kind() {
            Kind::Float => carried::<Float>(flat, (device, dtype)),
            Kind::Bool => {
                let dtype = own(here.bool_dtype.into(), there.bool_dtype.into());
                carried::<Bool>(flat, (device, dtype))
            }
            Kind::Int => {
                let dtype = own(here.int_dtype.into(), there.int_dtype.into());
                carried::<Int>(flat, (device, dtype))
            }
        };
        Ok(Self(Self(moved?).reshaped(shape)))
    }

    fn reshaped(&self, shape: Shape) -> DispatchTensor {
        let (tensor, dtype) = (self.0.clone(), self.0.dtype());
        if dtype.is_float() {
            Dispatch::float_reshape(tensor, shape)
        } else if dtype.is_bool() {
            Dispatch::bool_reshape(tensor, shape)
        } else {
            Dispatch::int_reshape(tensor, shape)
        }
    }

    /// The examples `indices`, repeats allowed.
    pub(crate) fn select(&self, indices: &[usize]) -> Self {
        let indices: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        self.pick(Tensor::from_data(indices.as_slice(), &self.device()))
    }

    /// The examples `indices`, which are on the same device; repeats allowed.
    pub fn pick(&self, indices: Tensor<1, Int>) -> Self {
        let indices = indices.into_dispatch();
        let (tensor, dtype) = (self.0.clone(), self.0.dtype());
        Self(if dtype.is_float() {
            Dispatch::float_select(tensor, 0, indices)
        } else if dtype.is_bool() {
            bool_select::<Dispatch>(tensor, 0, indices)
        } else {
            Dispatch::int_select(tensor, 0, indices)
        })
    }

    /// All rows of `parts`, one after another.
    pub(crate) fn cat(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let dtype = parts[0].0.dtype();
        let parts = parts.into_iter().map(Self::into_dispatch).collect();
        Self(if dtype.is_float() {
            Dispatch::float_cat(parts, 0)
        } else if dtype.is_bool() {
            Dispatch::bool_cat(parts, 0)
        } else {
            Dispatch::int_cat(parts, 0)
        })
    }

    pub(crate) fn into_dispatch(self) -> DispatchTensor {
        self.0
    }
}

/// A flat tensor on another device, by way of the host.
fn carried<K: RowKind>(
    flat: DispatchTensor,
    place: (&Device, DType),
) -> Result<DispatchTensor, CurvatureError> {
    let data = Tensor::<1, K>::from_dispatch(flat).try_to_data();
    let data = data.map_err(TensorReadError::from)?;
    Ok(Tensor::<1, K>::from_data(data, place).into_dispatch())
}
