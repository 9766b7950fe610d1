//! Objectives minimised over all examples.

use backdraft_optimize::{Bounds, Lbfgs, LineSearch, Point, norm};
use burn::Tensor;

use super::{Minimum, ResponseError, ResponseKind, ResponseObjective, Stop};

/// With curvature of at least `modulus`, the minimum lies within `|gradient| / modulus` of the start. So many times
/// further out, the descent has left the region in which the objective has a minimum.
const REACH: f64 = 2.0;
/// Differences of the objective below this share of its decrease are rounding.
const ROUNDING: f64 = 1e-9;

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
        stop.check()?;
        let from = self.shared.cost.model().vectors(from)?;
        let found = self.lowest(from, stop, on_step);
        found.map_err(|error| error.with_batch(self.shared.cost.batch_size()))
    }

    fn lowest(
        &self,
        from: Tensor<1>,
        stop: Stop,
        mut on_step: impl FnMut(usize, f64),
    ) -> Result<Minimum, ResponseError> {
        let resolution = self.resolution(&from)?;
        let mut function = |theta: &Tensor<1>| self.evaluate(theta);
        let Some(mut here) = Point::at(from.clone(), &mut function)? else {
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
            here = match lbfgs.step(&here, Bounds { modulus, rounding }, &mut function)? {
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
