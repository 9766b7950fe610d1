//! The second and third derivatives of an objective.

use backdraft_curvature::{Cost, CurvatureError, Definiteness, Law, LinearOperator};
use burn::tensor::{DType, Device, Tensor};

use super::{ResponseError, ResponseKind, ResponseObjective};

/// The Hessian of a [`ResponseObjective`] at some parameters, `[dim, dim]`: a sum of factors times matrices, and a
/// multiple of the identity.
pub struct ObjectiveHessian {
    parts: Vec<(f64, Box<dyn LinearOperator + Send>)>,
    strength: f64,
    device: Device,
    dtype: DType,
    dim: usize,
    batch: usize,
}

impl ObjectiveHessian {
    fn sum<const D: usize>(
        &self,
        vs: Tensor<D>,
        product: impl Fn(&dyn LinearOperator, Tensor<D>) -> Result<Tensor<D>, CurvatureError>,
    ) -> Result<Tensor<D>, CurvatureError> {
        let mut total = vs.clone() * self.strength;
        for (factor, part) in &self.parts {
            total = total + product(&**part, vs.clone())? * *factor;
        }
        Ok(total)
    }
}

impl LinearOperator for ObjectiveHessian {
    fn dim(&self) -> usize {
        self.dim
    }

    fn device(&self) -> Device {
        self.device.clone()
    }

    fn dtype(&self) -> DType {
        self.dtype
    }

    fn batch_size(&self) -> Option<usize> {
        Some(self.batch)
    }

    fn law(&self) -> Law {
        Law {
            name: "the objective's Hessian".into(),
            definiteness: Definiteness::Indefinite {
                instead: "take the response of a minimum, or a proximal objective",
            },
            damping: self.strength,
        }
    }

    fn apply(&self, v: Tensor<1>) -> Result<Tensor<1>, CurvatureError> {
        self.sum(v, |part, v| part.product(v))
    }

    fn apply_many(&self, vs: Tensor<2>) -> Result<Tensor<2>, CurvatureError> {
        self.sum(vs, |part, vs| part.products(vs))
    }
}

impl ResponseObjective<'_> {
    /// The Hessian at `theta`, `[dim, dim]`: exact, with the L2 and the proximal term in it.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`] for parameters that do not fit.
    pub fn hessian(&self, theta: &Tensor<1>) -> Result<ObjectiveHessian, ResponseError> {
        let shared = self.shared;
        let mut parts: Vec<(f64, Box<dyn LinearOperator + Send>)> =
            vec![match self.base_at(theta)? {
                Some(base) => (1.0, Box::new(base.hessian())),
                None => (1.0, Box::new(shared.cost.gauss_newton())),
            }];
        if self.kind != ResponseKind::Linearized {
            for (factor, part) in self.taken_at(theta)? {
                parts.push((-factor, Box::new(part.hessian())));
            }
        }
        Ok(ObjectiveHessian {
            parts,
            strength: self.strength(),
            device: theta.device(),
            dtype: theta.dtype(),
            dim: theta.dims()[0],
            batch: shared.cost.batch_size(),
        })
    }

    /// The third derivative at `theta` applied to `v` twice, `[dim]`, as
    /// [`Cost::third_derivative`](backdraft_curvature::Cost::third_derivative).
    ///
    /// # Errors
    /// [`ResponseError::Curvature`].
    pub fn third_derivative(
        &self,
        theta: &Tensor<1>,
        v: Tensor<1>,
    ) -> Result<Tensor<1>, ResponseError> {
        let Some(base) = self.base_at(theta)? else {
            return Ok(v.zeros_like());
        };
        let mut total = base.third_derivative(v.clone())?;
        for (factor, part) in self.taken_at(theta)? {
            total = total - part.third_derivative(v.clone())? * factor;
        }
        Ok(total)
    }

    /// What the objective is made of but for what is taken away and the proximal term; none for the linearised one.
    fn base_at(&self, theta: &Tensor<1>) -> Result<Option<Cost>, ResponseError> {
        let base = match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => &self.shared.cost,
            ResponseKind::Bregman => self.shared.divergence()?,
            ResponseKind::Linearized => return Ok(None),
        };
        Ok(Some(base.at(theta.clone())?))
    }

    /// Mean losses at `theta`, and the factors with which the objective takes them away: below 0 what is added.
    pub(crate) fn taken_at(&self, theta: &Tensor<1>) -> Result<Vec<(f64, Cost)>, ResponseError> {
        let removed = self.removed_at(theta)?.map(|it| (self.weight, it));
        let added = self.added_at(theta)?;
        let added = added.map(|(added, weight)| (-weight, added));
        Ok(removed.into_iter().chain(added).collect())
    }
}
