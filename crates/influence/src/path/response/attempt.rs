//! One attempt at a point of a path: correction, derivatives, and whether it is the same path.

use backdraft_curvature::{CurvatureError, LinearOperator};
use backdraft_optimize::norm;
use burn::tensor::{Tensor, TensorReadError};

use super::{
    PathConfig, PathError, PathPoint,
    point::{PointFacts, dot},
};
use crate::{
    Inverse, Solution, SolveError, Solver,
    response::{ObjectiveHessian, ResponseError, ResponseObjective, curves_down_from, signs},
};

/// Share of a step that the correction may be, and of a tangent that its change may be beyond what the path's second
/// derivative predicts: more than rounding and the next order of a smooth path that is resolved, less than what another
/// path near by is away.
const SURPRISE: f64 = 0.5;

/// Why there is no point at an `eps`.
pub(super) enum Failure {
    /// The curvature is not positive definite.
    Downwards(String),
    /// There is none that is on the path, as far as that could be seen.
    Refused(String),
    /// It cannot be known.
    Error(PathError),
}

impl From<ResponseError> for Failure {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Solve(error) => match *error {
                SolveError::NegativeCurvature { .. } | SolveError::NotPositiveDefinite { .. } => {
                    Self::Downwards(error.to_string())
                }
                SolveError::NotConverged { .. } | SolveError::NotFinite { .. } => {
                    Self::Refused(error.to_string())
                }
                error => Self::Error(error.into()),
            },
            ResponseError::Diverged
            | ResponseError::NotConverged { .. }
            | ResponseError::Curvature(CurvatureError::NotFinite { .. }) => {
                Self::Refused(error.to_string())
            }
            error => Self::Error(error.into()),
        }
    }
}

impl From<SolveError> for Failure {
    fn from(error: SolveError) -> Self {
        ResponseError::from(error).into()
    }
}

impl From<CurvatureError> for Failure {
    fn from(error: CurvatureError) -> Self {
        ResponseError::from(error).into()
    }
}

impl From<TensorReadError> for Failure {
    fn from(error: TensorReadError) -> Self {
        ResponseError::from(error).into()
    }
}

/// What a point is looked for with.
pub(super) struct Attempt<'a> {
    /// With the whole change.
    pub whole: &'a ResponseObjective<'a>,
    /// At this `eps`.
    pub objective: ResponseObjective<'a>,
    pub solver: &'a dyn Solver,
    pub config: &'a PathConfig,
    pub eps: f64,
}

/// `D` and its gradient.
struct Taken {
    value: f64,
    gradient: Tensor<1>,
    /// Of the gradient.
    norm: f64,
}

/// What the systems of a point took.
#[derive(Default)]
struct Solved {
    true_residual: f64,
    products: f64,
}

impl Solved {
    fn note(&mut self, solution: Solution) -> Tensor<1> {
        self.true_residual = self.true_residual.max(solution.info.true_residual);
        self.products += solution.info.products;
        solution.vector
    }
}

/// A point where the gradient vanishes.
struct Stationary {
    theta: Tensor<1>,
    value: f64,
    taken: Taken,
    gradient: f64,
    corrections: usize,
}

impl Attempt<'_> {
    /// The point of the path at `eps` that Newton's method leads to from `start`; `before` is the point before.
    pub fn point(
        &self,
        start: Tensor<1>,
        before: Option<&PathPoint>,
    ) -> Result<PathPoint, Failure> {
        let mut solved = Solved::default();
        let found = self.stationary(start.clone(), &mut solved)?;
        let corrected = match before {
            Some(before) => self.nearness(before, &start, &found.theta)?,
            None => 0.0,
        };
        let hessian = self.objective.hessian(&found.theta)?;
        if curves_down_from(&hessian, signs(&hessian))? {
            let text = "the objective curves downwards where its gradient vanishes";
            return Err(Failure::Downwards(text.into()));
        }
        let (tangent, second) = self.derivatives(&hessian, &found, &mut solved)?;
        if let Some(before) = before {
            self.check_tangent(before, &tangent)?;
        }
        let taken_slope = dot(&found.taken.gradient, &tangent)?;
        let (speed, acceleration) = (norm(&tangent)?, norm(&second)?);
        let finite = speed.is_finite() && acceleration.is_finite();
        if !finite {
            let text = "the path's derivatives came out NaN or infinite";
            return Err(Failure::Refused(text.into()));
        }
        let square = speed * speed;
        let facts = PointFacts {
            eps: self.eps,
            step: before.map_or(0.0, |it| it.facts.eps - self.eps),
            value: found.value,
            taken: found.taken.value,
            taken_slope,
            speed,
            acceleration,
            stretch: dot(&tangent, &second)?,
            curvature: match square > 0.0 {
                true => -taken_slope / square,
                false => 0.0,
            },
            gradient: found.gradient,
            corrections: found.corrections,
            corrected,
            true_residual: solved.true_residual,
            products: solved.products,
        };
        Ok(PathPoint {
            theta: found.theta,
            tangent,
            second,
            facts,
        })
    }

    /// Newton's method from `theta`, for as long as each step at least halves the gradient.
    fn stationary(&self, mut theta: Tensor<1>, solved: &mut Solved) -> Result<Stationary, Failure> {
        let (mut corrections, mut last) = (0, f64::INFINITY);
        loop {
            let (value, gradient) = self.objective.value_and_gradient(&theta)?;
            let taken = self.taken(&theta)?;
            let size = norm(&gradient)?;
            // Where nothing is pulled at, nothing moves.
            let relative = match taken.norm > 0.0 {
                true => size / taken.norm,
                false => 0.0,
            };
            if relative <= self.config.tolerance {
                return Ok(Stationary {
                    theta,
                    value,
                    taken,
                    gradient: relative,
                    corrections,
                });
            }
            if corrections > 0 && size > 0.5 * last {
                return Err(Failure::Refused(format!(
                    "Newton's method does not converge: after {corrections} corrections the gradient is {relative:.1e} of the \
                     removed part's, and no longer halves; where that is for a kink of a piecewise smooth network, a larger tolerance \
                     passes over it"
                )));
            }
            if corrections >= self.config.corrections {
                return Err(Failure::Refused(format!(
                    "after {corrections} corrections the gradient is {relative:.1e} of the removed part's, above {:.1e}",
                    self.config.tolerance
                )));
            }
            let hessian = self.objective.hessian(&theta)?;
            let step = self.solver.solve(&hessian, gradient)?;
            theta = theta - solved.note(step);
            (corrections, last) = (corrections + 1, size);
        }
    }

    /// `theta'` and `theta''`.
    fn derivatives(
        &self,
        hessian: &ObjectiveHessian,
        found: &Stationary,
        solved: &mut Solved,
    ) -> Result<(Tensor<1>, Tensor<1>), Failure> {
        let inverse: Box<dyn Inverse + '_> = self.solver.prepare(hessian)?;
        let tangent = -solved.note(inverse.solve(found.taken.gradient.clone())?);
        if found.taken.norm == 0.0 {
            return Ok((tangent.clone(), tangent));
        }
        let third = self
            .objective
            .third_derivative(&found.theta, tangent.clone())?;
        let mut right = third;
        for (factor, part) in self.whole.taken_at(&found.theta)? {
            right = right + part.hessian().product(tangent.clone())? * (2.0 * factor);
        }
        let second = -solved.note(inverse.solve(right)?);
        Ok((tangent, second))
    }

    fn taken(&self, theta: &Tensor<1>) -> Result<Taken, Failure> {
        let (mut value, mut gradient) = (0.0, theta.zeros_like());
        for (factor, part) in self.whole.taken_at(theta)? {
            let (loss, slope) = part.value_and_gradient()?;
            let loss: f64 = loss.try_into_scalar()?;
            value += factor * loss;
            gradient = gradient + slope * factor;
        }
        Ok(Taken {
            norm: norm(&gradient)?,
            value,
            gradient,
        })
    }

    /// How far `theta` is from `predicted`, relative to the step.
    fn nearness(
        &self,
        before: &PathPoint,
        predicted: &Tensor<1>,
        theta: &Tensor<1>,
    ) -> Result<f64, Failure> {
        let step = norm(&(predicted.clone() - before.theta.clone()))?;
        let apart = norm(&(theta.clone() - predicted.clone()))?;
        if apart == 0.0 {
            return Ok(0.0);
        }
        let corrected = apart / step;
        // Of a step that is nothing but rounding too.
        let rounding = theta.dtype().finfo().map_or(0.0, |it| it.epsilon) * norm(theta)?;
        if apart > SURPRISE * step && apart > 100.0 * rounding {
            return Err(Failure::Refused(format!(
                "Newton's method leads {corrected:.1e} times a step away from where the path points to: another minimum"
            )));
        }
        Ok(corrected)
    }

    /// Whether the tangent is what the path's second derivative lets expect.
    fn check_tangent(&self, before: &PathPoint, tangent: &Tensor<1>) -> Result<(), Failure> {
        let h = self.eps - before.facts.eps;
        let expected = before.tangent.clone() + before.second.clone() * h;
        let apart = norm(&(tangent.clone() - expected))?;
        let size = norm(tangent)?.max(before.facts.speed);
        if apart > SURPRISE * size {
            return Err(Failure::Refused(format!(
                "the path's derivative changes by {:.1e} of itself beyond what its second derivative predicts",
                apart / size
            )));
        }
        Ok(())
    }
}
