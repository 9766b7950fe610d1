//! A tensor of a file.

use std::path::Path;

use burn::tensor::{DType, TensorData};

use super::error::WeightsError;

/// A tensor of a file.
pub(super) struct FileTensor {
    pub(super) shape: Vec<usize>,
    pub(super) dtype: DType,
    /// Whether the file says that it is tied to another, under whose name it has it.
    pub(super) tied: bool,
    read: Box<dyn FnOnce() -> Result<Vec<u8>, String>>,
}

impl FileTensor {
    /// A tensor whose bytes, row-major and little-endian, `read` gives.
    pub(super) fn new(
        shape: Vec<usize>,
        dtype: DType,
        read: Box<dyn FnOnce() -> Result<Vec<u8>, String>>,
    ) -> Self {
        Self {
            shape,
            dtype,
            tied: false,
            read,
        }
    }

    /// The tensor's numbers.
    pub(super) fn data(self, path: &Path) -> Result<TensorData, WeightsError> {
        let data = (self.read)().and_then(|bytes| {
            TensorData::try_from_bytes_vec(bytes, self.shape, self.dtype)
                .map_err(|error| error.to_string())
        });
        data.map_err(|reason| malformed(path, reason))
    }
}

/// An error of the file at `path`.
pub(super) fn malformed(path: &Path, reason: String) -> WeightsError {
    WeightsError::Malformed {
        path: path.to_owned(),
        reason,
    }
}
