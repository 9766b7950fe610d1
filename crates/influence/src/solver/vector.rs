//! Parameter vectors between device and host, and the system `A s = b` scaled to a right-hand side of length one.

use backdraft_curvature::{Cause, LinearOperator};
use backdraft_optimize::norm;
use burn::tensor::{Tensor, TensorData};

use super::SolveError;

/// The elements in f64.
pub(super) fn to_host(v: Tensor<1>) -> Result<Vec<f64>, SolveError> {
    Ok(v.try_into_vec_as::<f64>()?)
}

/// A vector like the operator's.
pub(super) fn to_device(operator: &dyn LinearOperator, v: Vec<f64>) -> Tensor<1> {
    let shape = [v.len()];
    Tensor::from_data(
        TensorData::new(v, shape),
        (&operator.device(), operator.dtype()),
    )
}

/// The system scaled to `||b|| = 1`, which keeps the squares of small gradients from vanishing in f32 and makes every
/// residual relative.
pub(super) struct System<'a> {
    pub(super) operator: &'a dyn LinearOperator,
    /// `b / ||b||`.
    pub(super) rhs: Tensor<1>,
    /// `||b||`.
    pub(super) norm: f64,
}

impl<'a> System<'a> {
    /// The system, or `None` if `rhs` is zero.
    pub(super) fn new(
        operator: &'a dyn LinearOperator,
        rhs: &Tensor<1>,
    ) -> Result<Option<Self>, SolveError> {
        let rhs = fitting(operator, "the right-hand side", rhs)?;
        let norm = norm(&rhs)?;
        if norm.is_nan() {
            let numbers = to_host(rhs)?;
            let index = numbers.iter().position(|x| !x.is_finite());
            return Err(SolveError::NotFinite {
                what: "the right-hand side",
                cause: index.map_or(Cause::Unknown, |index| Cause::Vector {
                    index,
                    value: numbers[index],
                }),
            });
        }
        Ok((norm > 0.0).then(|| Self {
            operator,
            rhs: rhs / norm,
            norm,
        }))
    }

    /// `b - A s` and its norm, for `s` in the units of the scaled system.
    pub(super) fn residual(&self, s: &Tensor<1>) -> Result<(Tensor<1>, f64), SolveError> {
        let residual = self.rhs.clone() - self.operator.product(s.clone())?;
        let norm = norm(&residual)?;
        if norm.is_nan() {
            return Err(SolveError::not_finite("the residual", self.operator, s));
        }
        Ok((residual, norm))
    }

    /// The solution `s` of the scaled system in the units of the system itself.
    pub(super) fn unscaled(&self, s: Tensor<1>) -> Result<Tensor<1>, SolveError> {
        let vector = s * self.norm;
        if norm(&vector)?.is_nan() {
            let dtype = self.operator.dtype();
            return Err(SolveError::NotFinite {
                what: "the solution",
                cause: Cause::Overflow { dtype },
            });
        }
        Ok(vector)
    }
}

/// `v` as a constant, if it has the operator's length, float type and device.
pub(super) fn fitting(
    operator: &dyn LinearOperator,
    what: &'static str,
    v: &Tensor<1>,
) -> Result<Tensor<1>, SolveError> {
    let [found] = v.dims();
    if found != operator.dim() {
        return Err(SolveError::Dimension {
            what,
            expected: operator.dim(),
            found,
        });
    }
    if v.dtype() != operator.dtype() || v.device() != operator.device() {
        return Err(SolveError::Placement {
            what,
            expected: format!("{:?} on {:?}", operator.dtype(), operator.device()),
            found: format!("{:?} on {:?}", v.dtype(), v.device()),
        });
    }
    Ok(v.clone().without_autodiff())
}
