//! The objectives that response functions minimise: their values and gradients over all examples.

use backdraft_curvature::{Cause, Cost, CurvatureError, LinearOperator};
use backdraft_optimize::norm;
use burn::tensor::Tensor;

use super::{Removal, ResponseError, ResponseKind, Responses, reweighted::Reweighted};

/// What one response function minimises for one removal.
pub struct ResponseObjective<'a> {
    pub(super) shared: &'a Responses,
    pub(super) kind: ResponseKind,
    removal: Removal,
    /// The removed examples' mean loss, each times its factor of `eps` if it has its own.
    removed: Option<Cost>,
    /// `eps` times their number.
    pub(super) weight: f64,
    /// The mean loss of examples that are not of the cost's, and `eps` times their number.
    added: Option<(Cost, f64)>,
    /// `eps` times the sum of the removed examples' gradients at the trained parameters, less that of the added ones',
    /// for the linearised objective.
    pub(super) pull: Option<Tensor<1>>,
}

impl Responses {
    /// The objective of `kind` for a removal.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a removal of an example twice or of all, or an `epsilon` that is not finite;
    /// [`ResponseError::Curvature`] for an example that does not exist, among others.
    pub fn objective(
        &self,
        kind: ResponseKind,
        removal: Removal,
    ) -> Result<ResponseObjective<'_>, ResponseError> {
        removal.check(self.cost.len())?;
        let removed = match removal.examples.as_slice() {
            [] => None,
            examples => {
                let removed = self.removed(examples, removal.factors());
                Some(removed.map_err(|it| it.with_batch(self.cost.batch_size()))?)
            }
        };
        let weight = removal.epsilon * removal.examples.len() as f64;
        let pull = match (kind, &removed) {
            (ResponseKind::Linearized, Some(removed)) => {
                let gradient = removed.gradient().map_err(ResponseError::from);
                let gradient = gradient.map_err(|it| it.with_batch(self.cost.batch_size()));
                Some(gradient? * weight)
            }
            _ => None,
        };
        Ok(ResponseObjective {
            shared: self,
            kind,
            removal,
            removed,
            weight,
            added: None,
            pull,
        })
    }
}

impl Responses {
    /// The mean loss of `examples`, each times its factor if there are any.
    fn removed(&self, examples: &[usize], factors: Option<&[f64]>) -> Result<Cost, ResponseError> {
        Ok(match factors {
            Some(factors) => {
                Reweighted::with_weights(&self.reweighted()?.select(examples)?, factors)?
            }
            None => self.cost.select(examples)?,
        })
    }
}

impl<'a> ResponseObjective<'a> {
    /// The same with `share` times of what is taken away, and of what is added: 0 for the objective as it is without
    /// any change of weights. What the two share is not computed again.
    #[must_use]
    pub fn times(&self, share: f64) -> ResponseObjective<'a> {
        ResponseObjective {
            shared: self.shared,
            kind: self.kind,
            removal: self.removal.times(share),
            removed: self.removed.clone(),
            weight: self.weight * share,
            added: self.added.clone().map(|(added, it)| (added, it * share)),
            pull: self.pull.clone().map(|pull| pull * share),
        }
    }
}

impl ResponseObjective<'_> {
    /// The same with `+ eps L(z')` for each example `z'` of `added`, such as what is put in the place of each of those
    /// removed; `eps` is the removal's. Their model may be anywhere.
    ///
    /// # Errors
    /// [`ResponseError::Setting`] for a removal in which each example has its own `eps`; [`ResponseError::Curvature`]
    /// for parameters of another number, type or device than the cost's, and for gradients that are not finite.
    pub fn with_added(mut self, added: &Cost) -> Result<Self, ResponseError> {
        if self.removal.factors().is_some() {
            let problem = "is one for each example: what is added takes one for all";
            return Err(ResponseError::setting("epsilon", problem));
        }
        let added = added.at(self.theta().clone())?.with_l2(0.0);
        let weight = self.removal.epsilon * added.len() as f64;
        if self.kind == ResponseKind::Linearized {
            let gradient = added.gradient().map_err(ResponseError::from);
            let gradient = gradient.map_err(|it| it.with_batch(added.batch_size()))? * weight;
            self.pull = Some(match self.pull {
                Some(pull) => pull - gradient,
                None => -gradient,
            });
        }
        self.added = Some((added, weight));
        Ok(self)
    }

    /// What is minimised.
    pub fn kind(&self) -> ResponseKind {
        self.kind
    }

    /// What is taken away.
    pub fn removal(&self) -> &Removal {
        &self.removal
    }

    /// The cost at the trained parameters.
    pub fn cost(&self) -> &Cost {
        &self.shared.cost
    }

    /// Whether examples that are not of the cost's are added, with any weight.
    pub fn adds(&self) -> bool {
        self.added
            .as_ref()
            .is_some_and(|(_, weight)| *weight != 0.0)
    }

    /// The trained parameters `theta_s`, `[dim]`.
    pub fn theta(&self) -> &Tensor<1> {
        &self.shared.theta
    }

    /// The value at `theta`, over all examples. That of the linearised objective is 0 at the trained parameters.
    ///
    /// # Errors
    /// [`ResponseError::Curvature`], with [`CurvatureError::NotFinite`] if it is NaN or infinite;
    /// [`ResponseError::OutOfMemory`],
    /// [`ResponseError::Read`].
    pub fn value(&self, theta: &Tensor<1>) -> Result<f64, ResponseError> {
        let value = self.measure(theta);
        value.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn measure(&self, theta: &Tensor<1>) -> Result<f64, ResponseError> {
        let read = |value| self.shared.read(value);
        let theta = &self.shared.cost.model().vectors(theta.clone())?;
        let moved = theta.clone() - self.theta().clone();
        let distance = read(moved.clone().square().sum())?;
        let cost = match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => {
                let square = read(theta.clone().square().sum())?;
                let losses = self.shared.cost.at(theta.clone())?.losses()?;
                read(losses.mean())? + 0.5 * self.shared.cost.l2() * square
            }
            ResponseKind::Bregman => {
                let divergence = self.shared.divergence()?.at(theta.clone())?;
                read(divergence.losses()?.mean())?
            }
            ResponseKind::Linearized => return finite(self.quadratic(moved)?.0, theta),
        };
        let removed = match &self.removed {
            Some(removed) => read(removed.at(theta.clone())?.losses()?.mean())?,
            None => 0.0,
        };
        let added = match self.added_at(theta)? {
            Some((added, weight)) => weight * read(added.losses()?.mean())?,
            None => 0.0,
        };
        let value = cost - self.weight * removed + added + 0.5 * self.strength() * distance;
        finite(value, theta)
    }

    /// The value, as [`value`](Self::value), and the gradient, `[dim]`, at `theta`, over all examples.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn value_and_gradient(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let theta = &self.shared.cost.model().vectors(theta.clone())?;
        let found = self.examine(theta);
        found.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn examine(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let (value, gradient) = self.evaluate(theta)?;
        if value.is_finite() && norm(&gradient)?.is_finite() {
            return Ok((value, gradient));
        }
        // Whichever part it is says why.
        let cost = match self.kind {
            ResponseKind::Linearized => None,
            _ => Some(self.shared.cost.at(theta.clone())?),
        };
        let added = self.added_at(theta)?.map(|(added, _)| added);
        for part in cost.into_iter().chain(self.removed_at(theta)?).chain(added) {
            part.value_and_gradient()?;
        }
        let moved = theta.clone() - self.theta().clone();
        self.shared.matrix.apply(moved)?;
        finite(f64::NAN, theta).map(|value| (value, gradient))
    }

    /// The same, whatever the numbers are, for those who look at them.
    pub(crate) fn evaluate_unchecked(
        &self,
        theta: &Tensor<1>,
    ) -> Result<(f64, Tensor<1>), ResponseError> {
        let found = self.evaluate(theta);
        found.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    /// Parameters as the objective takes them.
    pub(crate) fn vectors(&self, theta: Tensor<1>) -> Result<Tensor<1>, ResponseError> {
        Ok(self.shared.cost.model().vectors(theta)?)
    }

    /// The same, whatever the numbers are.
    pub(super) fn evaluate(&self, theta: &Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let moved = theta.clone() - self.theta().clone();
        let (mut value, mut gradient) = match self.kind {
            ResponseKind::Retraining | ResponseKind::Proximal => {
                let cost = self.shared.cost.at(theta.clone())?.unchecked();
                cost.value_and_gradient()?
            }
            ResponseKind::Bregman => {
                let divergence = self.shared.divergence()?.at(theta.clone())?;
                divergence.unchecked().value_and_gradient()?
            }
            ResponseKind::Linearized => return self.quadratic(moved),
        };
        if let Some(removed) = self.removed_at(theta)? {
            let (loss, slope) = removed.unchecked().value_and_gradient()?;
            value = value - loss * self.weight;
            gradient = gradient - slope * self.weight;
        }
        if let Some((added, weight)) = self.added_at(theta)? {
            let (loss, slope) = added.unchecked().value_and_gradient()?;
            value = value + loss * weight;
            gradient = gradient + slope * weight;
        }
        let strength = self.strength();
        if strength > 0.0 {
            value = value + moved.clone().square().sum() * (0.5 * strength);
            gradient = gradient + moved * strength;
        }
        Ok((self.shared.read(value)?, gradient))
    }

    /// The removed examples' mean loss at `theta`.
    pub(super) fn removed_at(&self, theta: &Tensor<1>) -> Result<Option<Cost>, ResponseError> {
        let removed = self.removed.as_ref().map(|it| it.at(theta.clone()));
        Ok(removed.transpose()?)
    }

    /// The added examples' mean loss at `theta`, and its weight.
    pub(super) fn added_at(&self, theta: &Tensor<1>) -> Result<Option<(Cost, f64)>, ResponseError> {
        let added = self.added.as_ref();
        let added = added.map(|(added, weight)| Ok((added.at(theta.clone())?, *weight)));
        added.transpose()
    }

    /// Value and gradient of the linearised objective at `theta_s + d`.
    fn quadratic(&self, d: Tensor<1>) -> Result<(f64, Tensor<1>), ResponseError> {
        let product = self.shared.matrix.product(d.clone())? + d.clone() * self.shared.damping;
        let (value, gradient) = match &self.pull {
            Some(pull) => (product.clone() * 0.5 - pull.clone(), product - pull.clone()),
            None => (product.clone() * 0.5, product),
        };
        Ok((self.shared.read((value * d).sum())?, gradient))
    }

    /// Of the proximal term, beside what the cost or the matrix has in it.
    pub(super) fn strength(&self) -> f64 {
        match self.kind {
            ResponseKind::Retraining => 0.0,
            ResponseKind::Proximal | ResponseKind::Linearized => self.shared.damping,
            ResponseKind::Bregman => self.shared.damping + self.shared.cost.l2(),
        }
    }
}

/// A value at `theta`, whose parts are finite.
fn finite(value: f64, theta: &Tensor<1>) -> Result<f64, ResponseError> {
    if value.is_finite() {
        return Ok(value);
    }
    let (what, dtype) = ("the objective", theta.dtype());
    let cause = Cause::Overflow { dtype };
    Err(CurvatureError::NotFinite { what, cause }.into())
}
