//! What retraining answers beyond what it would do anyway.

use burn::Tensor;

use super::{Removal, ResponseError, ResponseKind, ResponseObjective, Responses};

impl Responses {
    /// Two-stage leave-one-out retraining (Bae et al. 2022, F.2): what `retrain` makes of the cost without the removed
    /// examples, less what it makes of the whole cost, added to the trained parameters:
    ///
    /// ```text
    /// theta_s + theta(without) - theta(with)
    /// ```
    ///
    /// `retrain` is given both objectives, of [`ResponseKind::Retraining`], the second for [`Removal::none`], and must
    /// treat both alike: by the same steps, or each to its minimum. `[dim]`.
    ///
    /// # Errors
    /// As [`objective`](Self::objective), and those of `retrain`.
    pub fn two_stage<E: From<ResponseError>>(
        &self,
        removal: Removal,
        mut retrain: impl FnMut(&ResponseObjective<'_>) -> Result<Tensor<1>, E>,
    ) -> Result<Tensor<1>, E> {
        let mut trained = |removal| retrain(&self.objective(ResponseKind::Retraining, removal)?);
        let (without, with) = (trained(removal)?, trained(Removal::none())?);
        Ok(self.theta().clone() + (without - with))
    }
}
