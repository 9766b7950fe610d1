//! What a cost computes of its examples by place: of the tokens of sequences, say.

use burn::Tensor;

use super::Cost;
use crate::{CurvatureError, function::BatchFunction};

impl Cost {
    /// The parts of every example's loss that belong to its places, `[N, places]`, which sum to
    /// [`losses`](Self::losses): see [`Loss::per_place`](crate::Loss::per_place).
    ///
    /// # Errors
    /// [`CurvatureError::NoPlaces`] for a loss of examples as a whole; [`CurvatureError::Program`],
    /// [`CurvatureError::NotFinite`].
    pub fn place_losses(&self) -> Result<Tensor<2>, CurvatureError> {
        self.sound("the losses of places", None, |cost| {
            cost.concatenate(BatchFunction::PLACE_LOSSES, None)
        })
    }

    /// The derivatives of these along `v`, `[N, places]`, which sum to
    /// [`directional_derivatives`](Self::directional_derivatives): all places of a batch by one forward-mode pass.
    ///
    /// # Errors
    /// [`CurvatureError::NoPlaces`] for a loss of examples as a whole; [`CurvatureError::Dimension`],
    /// [`CurvatureError::Program`], [`CurvatureError::NotFinite`].
    pub fn place_derivatives(&self, v: Tensor<1>) -> Result<Tensor<2>, CurvatureError> {
        let v = self.model.vectors(v)?;
        let what = "the derivatives of places along the vector";
        self.sound(what, Some(&v), |cost| {
            cost.concatenate(BatchFunction::PLACES_ALONG, Some(v.clone()))
        })
    }
}
