//! The float tensor of the decorator: a value and its derivative along one direction.

use burn_backend::tensor::FloatTensor;
use burn_backend::{BackendTypes, DType, Shape, TensorMetadata};

/// A float tensor of [`Dual<B>`](crate::Dual): a primal and, unless it is structurally zero, a tangent.
///
/// The tangent always has the primal's shape, data type and device.
#[derive(Clone, Debug)]
pub struct DualTensor<B: BackendTypes> {
    pub(crate) primal: FloatTensor<B>,
    pub(crate) tangent: Option<FloatTensor<B>>,
}

impl<B: BackendTypes> DualTensor<B> {
    /// A tensor that moves along `tangent`.
    ///
    /// # Panics
    ///
    /// If the two differ in shape, data type or device.
    pub fn new(primal: FloatTensor<B>, tangent: FloatTensor<B>) -> Self {
        assert_eq!(
            primal.shape(),
            tangent.shape(),
            "a tangent must have the shape of its primal"
        );
        assert_eq!(
            primal.dtype(),
            tangent.dtype(),
            "a tangent must have the data type of its primal"
        );
        assert_eq!(
            primal.device(),
            tangent.device(),
            "a tangent must be on the device of its primal"
        );
        Self {
            primal,
            tangent: Some(tangent),
        }
    }

    /// A tensor that does not move: its tangent is structurally zero.
    pub fn constant(primal: FloatTensor<B>) -> Self {
        Self {
            primal,
            tangent: None,
        }
    }

    /// The value.
    pub fn primal(&self) -> &FloatTensor<B> {
        &self.primal
    }

    /// The derivative of the value, `None` if it is structurally zero.
    pub fn tangent(&self) -> Option<&FloatTensor<B>> {
        self.tangent.as_ref()
    }

    /// The value and its derivative, `None` if it is structurally zero.
    pub fn into_parts(self) -> (FloatTensor<B>, Option<FloatTensor<B>>) {
        (self.primal, self.tangent)
    }

    /// Joins a primal and the tangent that a rule computed for it.
    pub(crate) fn join(primal: FloatTensor<B>, tangent: Option<FloatTensor<B>>) -> Self {
        match tangent {
            Some(tangent) => Self::new(primal, tangent),
            None => Self::constant(primal),
        }
    }
}

impl<B: BackendTypes> TensorMetadata for DualTensor<B> {
    type Device = B::Device;

    fn dtype(&self) -> DType {
        self.primal.dtype()
    }

    fn shape(&self) -> Shape {
        self.primal.shape()
    }

    fn rank(&self) -> usize {
        self.primal.rank()
    }

    fn device(&self) -> Self::Device {
        self.primal.device()
    }

    fn can_mut(&self) -> bool {
        self.primal.can_mut() && self.tangent.as_ref().is_none_or(TensorMetadata::can_mut)
    }
}
