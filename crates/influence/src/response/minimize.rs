//! Objectives minimised over all examples.

use backdraft_optimize::{Bounds, Lbfgs, LineSearch, Point, norm};
use burn::Tensor;

use super::{Minimum, ResponseError, ResponseKind, ResponseObjective, Stop};
use crate::Inverse;

/// With curvature of at least `modulus`, the minimum lies within `|gradient| / modulus` of the start. So many times
/// further out, the descent has left the region in which the objective has a minimum.
const REACH: f64 = 2.0;
/// Differences of the objective below this share of its decrease are rounding.
const ROUNDING: f64 = 1e-9;
/// Roundings of the objective's value that two of its values may differ by, and be the same.
const ROUNDINGS: f64 = 8.0;

impl ResponseObjective<'_> {
    /// Minimises from `from` by L-BFGS over all examples, until the gradient is small or nothing is left to gain. For
    /// the linearised objective a [`Solver`](crate::Solver) does the same in fewer products.
    ///
    /// # Errors
    /// [`ResponseError::NotConverged`], [`ResponseError::Diverged`], [`ResponseError::Setting`] for a tolerance outside
    /// (0, 1); those of [`value`](Self::value).
    pub fn minimize(&self, from: Tensor<1>, stop: Stop) -> Result<Minimum, ResponseError> {
        self.minimize_with(from, stop, |_, _| {})
    }

    /// The same; `on_step` is called after each step with its number and the gradient's norm relative to that at the
    /// start.
    ///
    /// # Errors
    /// As [`minimize`](Self::minimize).
    pub fn minimize_with(
        &self,
        from: Tensor<1>,
        stop: Stop,
        on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        self.minimized(from, stop, None, on_step)
    }

    /// The same, by L-BFGS whose first model of the inverse Hessian is `inverse`: that of the cost's damped curvature
    /// at the trained parameters, exact or approximate, in closed form as a rule. The first step from there is then the
    /// influence estimate, and the next ones mend it: some steps where L-BFGS by itself takes a hundred. Of an
    /// objective with one minimum it is the same minimum.
    ///
    /// # Errors
    /// As [`minimize`](Self::minimize); [`ResponseError::Solve`] for what the inverse cannot be applied to.
    pub fn minimize_preconditioned(
        &self,
        from: Tensor<1>,
        stop: Stop,
        inverse: &dyn Inverse,
        on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        self.minimized(from, stop, Some(inverse), on_step)
    }

    fn minimized(
        &self,
        from: Tensor<1>,
        stop: Stop,
        inverse: Option<&dyn Inverse>,
        on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        stop.check()?;
        let from = self.shared.cost.model().vectors(from)?;
        let found = self.lowest(from, stop, inverse, on_step);
        found.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn lowest(
        &self,
        from: Tensor<1>,
        stop: Stop,
        inverse: Option<&dyn Inverse>,
        mut on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        let resolution = self.resolution(&from)?;
        let start = Point::at(from.clone(), &mut |theta| self.evaluate(theta))?;
        let Some(mut here) = start else {
            let problem = self.value_and_gradient(&from).err();
            return Err(problem.unwrap_or(ResponseError::Diverged));
        };
        let modulus = self.modulus();
        // Infinite without a lower bound of the curvature.
        let reach = REACH * here.norm / modulus;
        let enough = (stop.tolerance * here.norm).max(resolution);
        let mut found = Minimum {
            theta: here.theta.clone(),
            values: vec![here.value],
            gradient_norms: vec![here.norm],
        };
        let mut lbfgs = Lbfgs::default();
        while here.norm > enough {
            let steps = found.values.len() - 1;
            if steps >= stop.max_steps {
                found.theta = here.theta;
                return Err(ResponseError::NotConverged {
                    steps,
                    tolerance: stop.tolerance,
                    minimum: Box::new(found),
                });
            }
            let rounding = ROUNDING * (found.values[0] - here.value);
            let bounds = Bounds { modulus, rounding };
            let next = self.step(&mut lbfgs, &here, bounds, inverse);
            here = match next? {
                LineSearch::Lower(next) => next,
                LineSearch::Stuck => break,
                LineSearch::Endless => return Err(ResponseError::Diverged),
            };
            if norm(&(here.theta.clone() - from.clone()))? > reach {
                return Err(ResponseError::Diverged);
            }
            found.values.push(here.value);
            found.gradient_norms.push(here.norm);
            on_step(found.values.len() - 1, found.relative_gradient());
            if found.stalled(stop.decrease) {
                break;
            }
        }
        let steps = found.values.len() - 1;
        if here.norm <= enough && self.ends_downwards(&here.theta, steps)? {
            return Err(ResponseError::Diverged);
        }
        found.theta = here.theta;
        Ok(found)
    }

    /// The next step from `here`.
    fn step(
        &self,
        lbfgs: &mut Lbfgs,
        here: &Point,
        bounds: Bounds,
        inverse: Option<&dyn Inverse>,
    ) -> Result<LineSearch, ResponseError> {
        let function = |theta: &Tensor<1>| self.evaluate(theta);
        let Some(inverse) = inverse else {
            return lbfgs.step(here, bounds, function);
        };
        // So few steps come so far that the last ones change the value by its own rounding alone.
        let precision = here.theta.dtype().finfo().map_or(0.0, |info| info.epsilon);
        let rounding = bounds.rounding + ROUNDINGS * precision * here.value.abs();
        let bounds = Bounds { rounding, ..bounds };
        let inverse = |v: Tensor<1>| -> Result<Tensor<1>, ResponseError> {
            Ok(inverse.apply_many(v.unsqueeze_dim(0))?.squeeze_dim(0))
        };
        lbfgs.preconditioned_step(here, bounds, &inverse, function)
    }

    /// Norm below which a gradient is nothing but rounding, near `theta`.
    fn resolution(&self, theta: &Tensor<1>) -> Result<f64, ResponseError> {
        let precision = theta.dtype().finfo().map_or(0.0, |info| info.epsilon);
        let slope = match self.removed_at(theta)? {
            Some(removed) => norm(&removed.gradient()?)?,
            None => 0.0,
        };
        Ok(10.0 * precision * slope)
    }

    /// A lower bound of the curvature where the objective is convex.
    fn modulus(&self) -> f64 {
        match self.kind {
            ResponseKind::Bregman => self.strength(),
            _ => self.strength() + self.shared.cost.l2(),
        }
    }

    /// Whether the objective curves downwards at `theta`, reached in so many steps, where its gradient vanishes: then
    /// that is no minimum. Where steps were made, they went down wherever they could, and with no example's loss
    /// counting less than nothing the objective is bounded below: so it is looked at only otherwise.
    fn ends_downwards(&self, theta: &Tensor<1>, steps: usize) -> Result<bool, ResponseError> {
        match steps == 0 || self.is_overdrawn() {
            true => self.curves_down(theta),
            false => Ok(false),
        }
    }
}
