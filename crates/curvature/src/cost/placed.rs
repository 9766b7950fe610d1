//! A cost on another device.

use std::sync::Arc;

use burn::tensor::Device;

use super::Cost;
use crate::CurvatureError;

impl Cost {
    /// The same cost on another device, to which the network and the examples are copied, for what is computed there at
    /// the same time: it has programs of its own, on the same device too, and tells nobody of its passes. The batches of
    /// a stream are sent on as they come.
    ///
    /// It gives the same bits on a device of the same kind.
    ///
    /// # Errors
    /// [`CurvatureError::Device`] if the network or the examples cannot be read.
    pub fn to_device(&self, device: &Device) -> Result<Self, CurvatureError> {
        Ok(Self {
            model: self.model.to_device(device)?,
            data: self.data.to_device(device)?,
            programs: Arc::default(),
            told: None,
            ..self.clone()
        })
    }
}
