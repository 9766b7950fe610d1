//! Tensors on the way from one device to another.

use burn::tensor::{DType, Device, Tensor, TensorData};

use crate::CurvatureError;

/// A tensor to be opened on another device, or where it is.
#[derive(Clone)]
pub(crate) struct Parcel<const D: usize> {
    /// As it is, on its own device.
    here: Option<Tensor<D>>,
    /// Its numbers on the host.
    data: Option<TensorData>,
}

impl<const D: usize> Parcel<D> {
    /// For the device that it is on.
    pub fn here(tensor: Tensor<D>) -> Self {
        Self {
            here: Some(tensor),
            data: None,
        }
    }

    /// For any device.
    ///
    /// # Errors
    /// [`CurvatureError::Device`] if it cannot be read.
    pub fn anywhere(tensor: Tensor<D>) -> Result<Self, CurvatureError> {
        let data = Self::data(&tensor)?;
        Ok(Self {
            here: Some(tensor),
            data: Some(data),
        })
    }

    /// For `device`, wherever the tensor is. The thread that computes on its device reads it.
    ///
    /// # Errors
    /// [`CurvatureError::Device`] if it cannot be read.
    pub fn to(tensor: Tensor<D>, device: &Device) -> Result<Self, CurvatureError> {
        if tensor.device() == *device {
            return Ok(Self::here(tensor));
        }
        let data = Self::data(&tensor)?;
        Ok(Self {
            here: None,
            data: Some(data),
        })
    }

    fn data(tensor: &Tensor<D>) -> Result<TensorData, CurvatureError> {
        let data = tensor.try_to_data();
        Ok(data.map_err(burn::tensor::TensorReadError::from)?)
    }

    /// The tensor on `device`, for which it was made.
    pub fn open(self, device: &Device, dtype: DType) -> Tensor<D> {
        match (self.here, self.data) {
            (Some(tensor), _) if tensor.device() == *device => tensor,
            (_, Some(data)) => Tensor::from_data(data, (device, dtype)),
            (Some(tensor), None) => tensor.to_device(device),
            (None, None) => unreachable!("a parcel holds a tensor"),
        }
    }
}
