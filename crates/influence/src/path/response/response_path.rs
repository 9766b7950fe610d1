//! A path that is followed from `eps = 1` to 0.

use backdraft_curvature::CurvatureError;
use burn::Tensor;

use super::{
    FollowedPath, PathConfig, PathEnd, PathError, PathPoint,
    attempt::{Attempt, Failure},
};
use crate::{
    Solution, SolveError, Solver,
    response::{ResponseKind, ResponseObjective, Stop},
};

/// How near to the minimum L-BFGS brings parameters from which Newton's method does not find it.
const NEAR: Stop = Stop {
    tolerance: 1e-6,
    decrease: 1e-12,
    max_steps: 5_000,
};
/// Shortest steps within which a fold must lie by the path's derivatives for these to tell that it is one.
const WITHIN: f64 = 10.0;

/// The minimum of an objective as what it takes away goes from nothing to all: the [module](super)'s `theta(eps)`.
pub struct ResponsePath<'a> {
    objective: ResponseObjective<'a>,
    solver: &'a dyn Solver,
    config: PathConfig,
}

/// What comes after a point.
#[derive(Debug)]
pub enum NextPoint {
    /// The next point.
    Point(Box<PathPoint>),
    /// None: the path ends.
    End(PathEnd),
}

impl<'a> ResponsePath<'a> {
    /// The path of `objective`, with the whole change in it: the objective at `eps = 0`. Systems are solved by
    /// `solver`, with the objective's Hessian, damping and L2 term in it.
    ///
    /// # Errors
    /// [`PathError::Setting`] for settings that make no sense, the linearised objective, and a change of no weight.
    pub fn new(
        objective: ResponseObjective<'a>,
        solver: &'a dyn Solver,
        config: PathConfig,
    ) -> Result<Self, PathError> {
        config.check()?;
        if objective.kind() == ResponseKind::Linearized {
            let problem =
                "is the linearised objective, of which the path is a straight line: take another";
            return Err(PathError::setting("kind", problem));
        }
        let still = objective.removal().weights().all(|(_, taken)| taken == 0.0);
        if still && !objective.adds() {
            let problem = "change no weight: there is no path to follow";
            return Err(PathError::setting("examples", problem));
        }
        Ok(Self {
            objective,
            solver,
            config,
        })
    }

    /// The objective at `eps`, from 1, without any change, to 0, with all of it.
    pub fn objective(&self, eps: f64) -> ResponseObjective<'a> {
        self.objective.times(1.0 - eps)
    }

    /// The settings.
    pub fn config(&self) -> &PathConfig {
        &self.config
    }

    fn attempt(&self, eps: f64) -> Attempt<'_> {
        Attempt {
            whole: &self.objective,
            objective: self.objective(eps),
            solver: self.solver,
            config: &self.config,
            eps,
        }
    }

    /// The first point, at `eps = 1`: the minimum that Newton's method finds from the trained parameters, or, where it
    /// finds none, from where L-BFGS leads. Of the Bregman objective that is where they are.
    ///
    /// # Errors
    /// [`PathError::NoStart`]; [`PathError::Response`].
    pub fn start(&self) -> Result<PathPoint, PathError> {
        let attempt = self.attempt(1.0);
        let theta = self.objective.theta().clone();
        let cause = match attempt.point(theta.clone(), None) {
            Ok(point) => return Ok(point),
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::Downwards(cause) | Failure::Refused(cause)) => cause,
        };
        // Minimised from there, its own message says less than what Newton's method met.
        let Ok(minimum) = attempt.objective.minimize(theta, NEAR) else {
            return Err(PathError::NoStart { cause });
        };
        match attempt.point(minimum.theta, None) {
            Ok(point) => Ok(point),
            Err(Failure::Error(error)) => Err(error),
            Err(Failure::Downwards(cause) | Failure::Refused(cause)) => {
                Err(PathError::NoStart { cause })
            }
        }
    }

    /// What comes after `point`: decided by the point alone, so that a path that was stopped goes on to the same bits.
    ///
    /// # Errors
    /// [`PathError::Response`].
    pub fn next(&self, point: &PathPoint) -> Result<NextPoint, PathError> {
        let eps = point.facts.eps;
        if eps <= 0.0 {
            return Ok(NextPoint::End(PathEnd::Whole));
        }
        let due = self.due(eps);
        // After a step that was halved, twice as far as that one at most.
        let last = point.facts.step;
        let mut step = match last > 0.0 && 2.0 * last < eps - due {
            true => 2.0 * last,
            false => eps - due,
        };
        let mut downwards = None;
        loop {
            // To the bit where it is due.
            let to = match step < eps - due {
                true => eps - step,
                false => due,
            };
            let attempt = self.attempt(to);
            let cause = match attempt.point(point.predicted(to), Some(point)) {
                Ok(next) => return Ok(NextPoint::Point(Box::new(next))),
                Err(Failure::Error(error)) => return Err(error),
                Err(Failure::Downwards(cause)) => {
                    downwards = Some(cause.clone());
                    cause
                }
                Err(Failure::Refused(cause)) => cause,
            };
            step *= 0.5;
            if step < self.config.shortest {
                return Ok(NextPoint::End(self.end(point, downwards, cause)));
            }
        }
    }

    /// Where a point is due after one at `eps`.
    fn due(&self, eps: f64) -> f64 {
        let steps = self.config.steps as f64;
        // Not the one that it is at, but for rounding.
        ((eps * steps - 1e-9).ceil() - 1.0).max(0.0) / steps
    }

    /// Why the path ends after `point`.
    fn end(&self, point: &PathPoint, downwards: Option<String>, cause: String) -> PathEnd {
        let facts = &point.facts;
        // Near a fold `||theta'||^-2` is proportional to the distance from it.
        let distance = facts.speed * facts.speed / (-2.0 * facts.stretch);
        let fold = facts.eps - distance;
        let near = distance > 0.0 && distance <= WITHIN * self.config.shortest;
        match (downwards, near) {
            (None, false) => PathEnd::Lost {
                last: facts.eps,
                cause,
            },
            (downwards, near) => PathEnd::Fold {
                last: facts.eps,
                fold: near.then_some(fold),
                cause: downwards.unwrap_or(cause),
            },
        }
    }

    /// Follows the path from its first point to its end; `on_point` is called with each.
    ///
    /// # Errors
    /// As [`start`](Self::start) and [`next`](Self::next).
    pub fn follow(&self, mut on_point: impl FnMut(&PathPoint)) -> Result<FollowedPath, PathError> {
        let mut points = vec![self.start()?];
        loop {
            let last = points.last().expect("the first is there");
            on_point(last);
            match self.next(last)? {
                NextPoint::Point(point) => points.push(*point),
                NextPoint::End(end) => return FollowedPath::new(points, end),
            }
        }
    }

    /// The Newton estimate from `point`: where one Newton step of the objective at another `eps` leads from there,
    /// less where it starts, `[dim]`,
    ///
    /// ```text
    /// -A^-1 grad F_eps(theta),   A the Hessian of F_eps
    /// ```
    ///
    /// From the first point to `eps = 0` it is `-(H_{R_j})^-1 grad R_j` at the trained parameters: influence whose
    /// curvature is of the rest.
    ///
    /// # Errors
    /// [`PathError::Response`], with [`SolveError::NegativeCurvature`] or [`SolveError::NotPositiveDefinite`] where the
    /// curvature of the rest is not positive definite.
    pub fn newton(&self, point: &PathPoint, eps: f64) -> Result<Solution, PathError> {
        if !(0.0..=1.0).contains(&eps) {
            let problem = format!("is {eps:?}, must lie between 0 and 1");
            return Err(PathError::setting("eps", problem));
        }
        let objective = self.objective(eps);
        let (_, gradient) = objective.value_and_gradient(&point.theta)?;
        let hessian = objective.hessian(&point.theta)?;
        Ok(self.solver.solve(&hessian, -gradient)?)
    }

    /// The partial derivatives `d theta / d eps_i` at a point, `[dim]` each, of the weight of each of `examples` by
    /// itself, those of all others held where they are:
    ///
    /// ```text
    /// d theta / d eps_i = -1/N A^-1 grad L_i
    /// ```
    ///
    /// They are the columns of the Jacobian of `theta(eps_1, .., eps_n)`; along the path
    /// `theta' = sum over i of (d theta / d eps_i) eps_i'`, where an example's weight changes by `eps_i'` as `eps` does
    /// by 1: by 1 for one that is removed.
    ///
    /// # Errors
    /// [`PathError::Response`] with [`CurvatureError::Index`](backdraft_curvature::CurvatureError::Index) for an
    /// example that does not exist; each result, the solver's.
    pub fn partials(
        &self,
        point: &PathPoint,
        examples: &[usize],
    ) -> Result<Vec<Result<Solution, SolveError>>, PathError> {
        let cost = self.objective.cost().at(point.theta.clone())?;
        let gradient = |&example: &usize| -> Result<Tensor<1>, CurvatureError> {
            let gradient = cost.select(&[example])?.gradient()?;
            Ok(gradient * (-1.0 / cost.len() as f64))
        };
        let right: Result<Vec<_>, _> = examples.iter().map(gradient).collect();
        let right = right?;
        let hessian = self.objective(point.facts.eps).hessian(&point.theta)?;
        let inverse = self.solver.prepare(&hessian)?;
        Ok(inverse.solve_many(right)?)
    }
}
